"""`gogooku3 predict` as it is called in the morning, on a panel of files whose last day came in half."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from gogooku3.pipeline.build import build
from gogooku3.pipeline.run_folder import open_run
from gogooku3.pipeline.train import train
from tests.cli.test_faults import call
from tests.pipeline.tiny import MARKET, MODELS, NAME, digests, simulation_of, tiny_run


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs with a ridge model on bars of which the last day, 2025-02-28, has every other stock."""
    folder = tmp_path_factory.mktemp("halved")
    frame = simulation_of(tiny_run(folder).settings).bars.frame.drop(
        "source_file", "source_row", strict=False
    )
    codes = frame["code"].unique().sort()
    half = pl.col("code").is_in(codes.gather_every(2).implode())
    bars = folder / "bars.parquet"
    frame.filter((pl.col("date") < pl.col("date").max()) | half).write_parquet(bars)
    models = {key: value for key, value in MODELS.items() if not key.startswith("lightgbm")}
    flags = {"run.name": NAME, "run.folder": str(folder), "source.bars": str(bars), **MARKET, **models}
    run = open_run(flags={**flags, "train.models": ["ridge"]}, remembered=False)
    build(run)
    train(run)
    run.save_settings()
    return folder


def test_the_morning(halved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("predict", "--name", NAME, "--set", f"run.folder={halved}", "--quiet")
    rankings = halved / NAME / "rankings"
    assert call(*where) == 2  # as of today
    assert "the data are stale" in capsys.readouterr().err
    assert call(*where, "--as-of", "2025-02-01") == 2
    assert "session of the future" in capsys.readouterr().err
    assert call(*where, "--as-of", "2025-03-01") == 2
    assert "too few stocks can be ranked" in capsys.readouterr().err
    assert not rankings.exists()

    assert call(*where, "--date", "2025-02-27", "--as-of", "2025-03-01", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["session"], said["historical"], said["data"]["last_session"]) == (
        "2025-02-27",
        True,
        "2025-02-28",
    )
    written = json.loads((rankings / "2025-02-27-ridge-historical.json").read_text(encoding="utf-8"))
    assert {**written, "files": said["files"]} == said

    kept = digests(rankings)
    assert call(*where, "--as-of", "2025-03-01", "--set", "predict.min_coverage=0.4") == 0
    assert {name: kept[name] for name in kept} == {
        name: digest for name, digest in digests(rankings).items() if name in kept
    }
    assert (rankings / "2025-02-28-ridge.csv").is_file()


@pytest.mark.usefixtures("runs")
def test_trades(capsys: pytest.CaptureFixture[str]) -> None:
    codes = pl.read_parquet(f"runs/{NAME}/predictions.parquet")["code"].unique().sort()
    Path("held.csv").write_text(f"code,shares\nZZZZ,100\n{codes[0]},100\ncash,20000000\n", encoding="utf-8")
    where = ("predict", "--name", NAME, "--model", "ridge")
    assert call(*where, "--holdings", "held.csv", "--json") == 0
    out, err = capsys.readouterr()
    orders = json.loads(out)["orders"]
    assert 2e7 < orders["capital"] < 2.1e7  # the shares that are held come to the cash
    assert orders["held_not_in_panel"] == ["ZZZZ"]
    assert 0 <= orders["cash_after"] < 2e6
    assert "warning: held and not in the panel, left as they are: ZZZZ" in err
    table = pl.read_csv(f"runs/{NAME}/rankings/2025-02-28-ridge-trades.csv")
    assert table["shares"].to_list() == [row["shares"] for row in orders["trades"]]

    assert call(*where, "--holdings", "held.csv", "--cash", "1") == 2
    assert "cash is given twice" in capsys.readouterr().err
    assert call(*where, "--capital", "1e7", "--set", "predict.portfolio=top_k") == 2
    assert "top_k needs k" in capsys.readouterr().err
    assert call(*where, "--capital", "1e7", "--cash", "2e6", "--quiet") == 0
    assert "more than there is cash" in capsys.readouterr().err


@pytest.mark.usefixtures("runs")
def test_drift_can_refuse(capsys: pytest.CaptureFixture[str]) -> None:
    where = ("predict", "--name", NAME, "--model", "ridge", "--quiet")
    assert call(*where) == 0
    assert "warning: features or scores have moved since training" in capsys.readouterr().err
    before = digests(Path(f"runs/{NAME}/rankings"))
    assert call(*where, "--set", "predict.refuse_drift=true") == 2
    assert "predict.refuse_drift" in capsys.readouterr().err
    assert digests(Path(f"runs/{NAME}/rankings")) == before
