"""``gogooku3 backtest`` on the finished tiny run."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.test_faults import call
from tests.pipeline.tiny import NAME

ACCOUNT = (
    "--construction", "top_k", "--k", "5", "--side", "long_only", "--entry", "open", "--capital", "5e7",
    "--lot", "10", "--spread", "--impact", "--max-participation", "0.2", "--max-weight", "0.3", "--cost-bps", "2",
)  # fmt: skip


@pytest.mark.usefixtures("runs")
def test_figures_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("backtest", "--name", NAME, "--model", "ridge", "--target", "h5_d1")
    assert (
        call(*options, "--construction", "rank", "--sector-neutral", "--borrow-bps", "50", "--as", "first")
        == 0
    )
    out, err = capsys.readouterr()
    assert "ridge at h5_d1, 2024-01-04 to 2024-12-30" in out
    assert "net a year" in out
    assert "2024 " in out
    assert f"runs/{NAME}/backtests/first/trades.csv" in err.replace("\n", "")

    assert call(*options, *ACCOUNT, "--json", "--quiet") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == ""
    assert (found["model"], found["target"], found["benchmark"]) == ("ridge", "h5_d1", "universe")
    settings = found["settings"]
    assert settings["account"] == {"books": "cash", "capital": 5e7, "lot": 10, "split_from": 0.05}
    assert (settings["construction"]["k"], settings["construction"]["max_weight"]) == (5, 0.3)
    assert settings["schedule"] == {"holding": 5, "lag": 1, "entry": "open"}
    assert (settings["costs"]["bps"], settings["costs"]["spread"]) == (2.0, "edge")
    assert settings["fills"]["max_participation"] == 0.2
    trades = pl.read_csv(found["files"]["trades.csv"])
    assert trades.height == pytest.approx(found["summary"]["orders"], rel=0.2)
    assert set(found["files"]) == {"daily.parquet", "holdings.parquet", "trades.csv", "summary.json"}
    written = json.loads(Path(found["files"]["summary.json"]).read_text(encoding="utf-8"))
    assert {key: found[key] for key in written} == written


@pytest.mark.usefixtures("runs")
def test_lists_and_indices_come_from_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("lent.csv").write_text("code,date\n1301,2024-01-04\n", encoding="utf-8")
    assert call("backtest", "--name", NAME, "--borrowable", "lent.csv", "--json") == 2
    assert "names no stock" in json.loads(capsys.readouterr().out)["error"]
    days = pl.read_parquet(f"runs/{NAME}/daily.parquet")["date"].unique().sort()
    pl.DataFrame({"date": days, "close": range(1000, 1000 + len(days))}).write_csv("index.csv")
    assert call("backtest", "--name", NAME, "--benchmark", "index.csv") == 0
    assert "against index.csv" in capsys.readouterr().out


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--model", "forest"], "ridge, lightgbm"),
        (["--target", "soon"], "h5_d1"),
        (["--impact"], "need a capital"),
        (["--construction", "top_k"], "needs k"),
        (["--construction", "all"], "top_k"),
        (["--borrowable", "absent.csv"], "absent.csv"),
        (["--open-locked"], "train --open-locked"),
        (["--as", "../../away"], "leaves the folder"),
    ],
)
def test_a_backtest_that_cannot_be_made(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("backtest", "--name", NAME, *arguments) == 2
    assert word in capsys.readouterr().err
    assert not Path(f"runs/{NAME}/openings.jsonl").exists()


def test_there_has_to_be_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("backtest", "--name", "fresh") == 2
    assert "no panel" in capsys.readouterr().err
