"""End to end: nothing that happens later, and nothing of a locked year, moves a figure."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import StorageError
from gogooku3.pipeline.build import build
from gogooku3.pipeline.evaluate import evaluate
from gogooku3.pipeline.report import report
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.train import train
from tests.pipeline.tiny import MARKET, MODELS, NAME, simulation_of, tiny_run

PRICES = ("open", "high", "low", "close")
LOCKED = date(2025, 1, 1)
MIDDLE = date(2024, 7, 2)


def run_on(folder: Path, bars: pl.DataFrame, delistings: pl.DataFrame, listing: pl.DataFrame) -> Run:
    """Build, train and evaluate on bars in files."""
    folder.mkdir()
    bars.write_parquet(folder / "bars.parquet")
    delistings.write_csv(folder / "delistings.csv")
    listing.write_csv(folder / "listing.csv")
    files = {
        f"source.{name}": str(folder / f"{name}.{kind}")
        for name, kind in (("bars", "parquet"), ("delistings", "csv"), ("listing", "csv"))
    }
    run = open_run(
        flags={"run.name": NAME, "run.folder": str(folder / "runs"), **files, **MARKET, **MODELS},
        remembered=False,
    )
    build(run)
    train(run)
    evaluate(run)
    return run


def poisoned(bars: pl.DataFrame, first: date) -> pl.DataFrame:
    """Other prices, volumes and adjustment from a day on; the bars stay possible ones."""
    rng = np.random.default_rng(1)
    size = bars.height
    move, volume, factor = (np.exp(s * rng.normal(size=size)) for s in (0.2, 1.0, 0.1))
    late = pl.col("date") >= first
    grids = {name: pl.col(name) * pl.Series(move) for name in PRICES}
    grids["volume"] = (pl.col("volume") * pl.Series(volume)).round()
    grids["adj_factor"] = pl.col("adj_factor") * pl.Series(factor)
    return bars.with_columns(
        pl.when(late).then(new).otherwise(pl.col(name)).alias(name) for name, new in grids.items()
    )


@pytest.fixture(scope="module")
def market(made: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    bars = simulation_of(tiny_run(made).settings).bars
    assert bars.delistings is not None
    assert bars.listing is not None
    return bars.frame, bars.delistings, bars.listing


@pytest.fixture(scope="module")
def clean(
    market: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Run:
    return run_on(tmp_path_factory.mktemp("clean") / "x", *market)


def scores_until(run: Run, day: date) -> pl.DataFrame:
    return pl.read_parquet(run.path("predictions.parquet")).filter(pl.col("date") < day)


def test_bars_after_a_session_move_no_score_up_to_it(
    clean: Run, market: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame], tmp_path: Path
) -> None:
    bars, *rest = market
    other = run_on(tmp_path / "x", poisoned(bars, MIDDLE), *rest)
    before, after = scores_until(clean, MIDDLE), scores_until(other, MIDDLE)
    assert before.height > 3_000
    assert before.equals(after)
    whole = pl.read_parquet(clean.path("predictions.parquet"))
    assert not whole.equals(
        pl.read_parquet(other.path("predictions.parquet"))
    )  # the poison does reach later days


def test_a_locked_year_moves_no_figure(
    clean: Run, market: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame], tmp_path: Path
) -> None:
    bars, *rest = market
    other = run_on(tmp_path / "x", poisoned(bars, LOCKED), *rest)
    for name in ("predictions.parquet", "evaluation.json", "daily.parquet"):
        assert other.path(name).read_bytes() == clean.path(name).read_bytes(), name
    assert other.path("panel/manifest.json").read_bytes() != clean.path("panel/manifest.json").read_bytes()


def test_bars_from_files_know_nothing_attainable(clean: Run, made: Path) -> None:
    models = json.loads(clean.path("evaluation.json").read_text(encoding="utf-8"))["models"]
    assert models == ["ridge", "lightgbm"]
    simulated = json.loads((made / NAME / "evaluation.json").read_text(encoding="utf-8"))["models"]
    assert simulated == ["ridge", "lightgbm", "attainable"]
    assert not clean.path("truth.parquet").exists()


def test_locked_years_are_left_alone_until_they_are_opened(runs: Path) -> None:
    folder = runs / NAME
    assert pl.read_parquet(folder / "predictions.parquet")["date"].max() < LOCKED
    assert pl.read_parquet(folder / "daily.parquet")["date"].max() < LOCKED
    assert not (folder / "openings.jsonl").exists()
    assert not (folder / "evaluation-locked.json").exists()
    before = (folder / "evaluation.json").read_bytes()

    opened = tiny_run(runs, {"run.open_locked": True})
    with pytest.raises(StorageError, match="train --open-locked"):
        evaluate(opened)
    names = [stage.name for stage in train(opened) if not stage.skipped]
    assert names == ["train-ridge-2025", "train-lightgbm-2025", "predictions"]
    evaluate(opened)
    (line,) = [json.loads(x) for x in (folder / "openings.jsonl").read_text(encoding="utf-8").splitlines()]
    assert set(line) == {"opened", "first", "last"}
    assert line["first"].startswith("2025-01")
    assert line["last"].startswith("2025-02-28")
    assert pl.read_parquet(folder / "daily-locked.parquet")["date"].min() >= LOCKED
    assert (folder / "evaluation.json").read_bytes() == before  # the test year's figures stay

    report(opened)
    assert "Locked years, opened" in (folder / "report.html").read_text(encoding="utf-8")

    # the next command does not open them because an earlier one did
    again = open_run(flags={"run.name": NAME, "run.folder": str(runs)})
    assert not again.settings.run.open_locked


def test_the_last_labels_before_a_locked_year_are_not_used(made: Path) -> None:
    """The label of the last test session would end in the locked year; the panel has it, the evaluation not."""
    from gogooku3.labels.target import Target
    from gogooku3.pipeline.evaluate import Judged

    run = tiny_run(made)
    judged = Judged(run)
    panel = judged.panel
    first_locked = int(np.searchsorted(panel.sessions, np.datetime64(LOCKED)))
    period = judged._period(locked=False)
    for target in panel.targets:
        labels = period.label(target)
        open_days = [d for d in range(len(labels)) if np.isfinite(labels[d]).any()]
        assert period.start + open_days[-1] + target.reach == first_locked - 1
    assert np.isfinite(panel.target(Target(5, 1))[first_locked - 1]).any()
