"""``gogooku3 evaluate --predictions`` on bars from files."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.test_faults import call
from tests.pipeline.tiny import NAME, simulation_of, tiny_run


def test_scores_of_another_tool(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = simulation_of(tiny_run(runs).settings).bars
    bars.frame.write_parquet("bars.parquet")
    frame = pl.read_parquet(runs / NAME / "predictions.parquet", columns=["date", "code", "ridge_h5_d1"])
    frame.rename({"ridge_h5_d1": "mine_h5_d1"}).write_csv("tool.csv")
    common = ["evaluate", "--predictions", "tool.csv", "--quiet"]
    assert call(*common, "--bars", "bars.parquet", "--until", "2024-12-31", "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["run"].endswith("runs/tool")
    assert found["evaluation"]["models"] == ["mine"]
    assert found["evaluation"]["targets"] == ["h5_d1"]
    assert "report: " in err
    assert (runs / "tool/report.html").is_file()

    for verb in ("train", "evaluate", "predict", "report", "build"):
        assert call(verb, "--name", "tool") == 2
        assert "no run of ours" in capsys.readouterr().err
    for arguments, word in (
        ([*common, "--name", NAME, "--bars", "bars.parquet"], "a run of ours has this name"),
        (common, "--bars FILE"),
        ([*common, "--bars", "bars.parquet", "--scores", "yours"], "column of scores is missing"),
        ([*common, "--bars", "bars.parquet", "--panel", "x"], "--panel"),
        ([*common, "--bars", "bars.parquet", "--set", "leaves"], "KEY=VALUE"),
        ([*common, "--bars", "absent.parquet"], "absent.parquet"),
        (["evaluate", "--predictions", "absent.csv", "--bars", "bars.parquet"], "absent.csv"),
        (["evaluate", "--name", NAME, "--bars", "bars.parquet"], "--bars"),
        (["evaluate", "--name", NAME, "--universe", "scored"], "--universe"),
    ):
        assert call(*arguments) == 2
        assert word in capsys.readouterr().err
