"""Fitted models outlive an append: the new session is ranked without training again."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from gogooku3.cli.app import app
from gogooku3.pipeline.build import build
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.run_folder import open_run
from gogooku3.pipeline.train import train
from tests.pipeline.tiny import MARKET, MODELS, simulation_of, tiny_run


def test_the_new_session_is_ranked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bars = simulation_of(tiny_run(tmp_path).settings).bars
    days = bars.frame.get_column("date").unique().sort().to_list()
    listing = tmp_path / "listing.csv"
    assert bars.listing is not None
    bars.listing.write_csv(listing)
    held, new = tmp_path / "bars.parquet", tmp_path / "new.parquet"
    frame = bars.frame.drop("source_file", "source_row", strict=False)
    frame.filter(pl.col("date") < days[-1]).write_parquet(held)
    frame.filter(pl.col("date") >= days[-3]).write_parquet(new)
    flags = {"run.name": "files", "run.folder": str(tmp_path), **MARKET, **MODELS, "train.models": ["ridge"]}
    flags |= {"source.bars": str(held), "source.listing": str(listing)}
    flags = {key: value for key, value in flags.items() if not key.startswith("lightgbm")}
    run = open_run(flags=flags, remembered=False)
    build(run)
    train(run)
    before = predict(run)
    assert before.session == days[-2]
    where = ["--name", "files", "--set", f"run.folder={tmp_path}"]
    assert not app(["append", *where, "--bars", str(new), "--json", "--quiet"], standalone_mode=False)
    said = json.loads(capsys.readouterr().out)
    assert (said["sessions"], said["corrected"], said["last"]) == (1, 0, str(days[-1]))
    after = predict(run)
    assert after.session == days[-1]
    assert (after.fold, after.trained_until) == (before.fold, before.trained_until)
    assert after.table.height == pytest.approx(before.table.height, abs=5)
    again = predict(run, session=days[-2])
    assert again.table.equals(before.table)
    assert all(record.skipped for record in train(run) if record.name.startswith("train-"))
