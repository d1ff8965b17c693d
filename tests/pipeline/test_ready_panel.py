"""A panel made from any long table takes the place of bars."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import Gogooku3Error
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run import run_all
from gogooku3.pipeline.run_folder import open_run
from gogooku3.pipeline.train import train
from gogooku3.progress import Silent
from tests.pipeline.tiny import MODELS, NAME, tiny_run

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "data" / "precompute_arrow_cache.py"
FEATURES = 12


class _Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def convert(table: pl.DataFrame, folder: Path) -> Path:
    """Do what the script does on the command line."""
    spec = importlib.util.spec_from_file_location("precompute_arrow_cache", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    table.write_parquet(folder / "table.parquet")
    output = folder / "panel.arrow"
    arguments = ["--input", str(folder / "table.parquet"), "--output", str(output), "--calendar", "XTKS"]
    assert module.main(arguments) == 0
    return output


@pytest.fixture(scope="module")
def table(made: Path) -> pl.DataFrame:
    """Some features and the targets of the tiny run's universe, as anyone might bring them."""
    panel = panel_of(tiny_run(made))
    names = panel.feature_names[:: len(panel.feature_names) // FEATURES][:FEATURES]
    chosen = [panel.feature_names.index(name) for name in names]
    targets = {str(target): panel.target(target) for target in panel.targets}
    parts = []
    for block in panel.blocks():
        day, stock = np.nonzero(block.universe)
        n = block.stock[stock]
        session = block.first + day
        parts.append(
            pl.DataFrame(
                {
                    "Date": panel.sessions[session],
                    "Code": [panel.codes[k] for k in n],
                    **{
                        f"f_{name}": block.features[day, stock, f]
                        for name, f in zip(names, chosen, strict=True)
                    },
                    **{name: grid[session, n] for name, grid in targets.items()},
                    "link": block.field("link")[day, stock],
                }
            ).fill_nan(None)
        )
    return pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=0)


@pytest.mark.parametrize("has_link", [True, False])
def test_every_step_takes_a_ready_panel(
    table: pl.DataFrame, has_link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = convert(table if has_link else table.drop("link"), tmp_path)
    listener = _Notes()
    monkeypatch.chdir(tmp_path)
    run = open_run(
        flags={"run.name": NAME, "run.folder": "runs", "panel.file": str(panel), **MODELS}, progress=listener
    )
    outcome = run_all(run)
    names = [stage.name for stage in outcome.stages if not stage.skipped]
    assert names == [
        "build",
        "train-ridge-2024",
        "train-lightgbm-2024",
        "predictions",
        "evaluation",
        "report",
    ]
    assert not run.path("panel").exists()
    assert outcome.ranking.table.height > 20
    for result in outcome.evaluation.results:
        whole = result.periods[0]
        assert math.isfinite(whole.rank_ic.mean)
        assert math.isfinite(whole.spread.mean)
        assert math.isfinite(whole.portfolio.net.mean) == has_link
        assert math.isfinite(whole.portfolio.sharpe_annual) == has_link
    said = [note for note in listener.notes if "no prices" in note]
    assert len(said) == (0 if has_link else 1)
    assert run.path("report.html").stat().st_size > 10_000
    json.loads(run.path("evaluation.json").read_text(encoding="utf-8"))

    second = run_all(open_run(flags={"run.name": NAME, "run.folder": "runs"}))
    assert all(stage.skipped for stage in second.stages)


def test_the_figures_are_those_of_the_table(table: pl.DataFrame, tmp_path: Path) -> None:
    """RankIC of the run equals scipy's on the very table that was brought."""
    from scipy.stats import spearmanr

    panel = convert(table, tmp_path)
    flags: dict[str, object] = {
        "run.name": NAME, "run.folder": str(tmp_path / "runs"), "panel.file": str(panel), "train.models": ["ridge"],
        "splits.min_train_sessions": 60, "evaluation.bootstrap_samples": 100,
    }  # fmt: skip
    flags |= {"splits.test_years": 1}
    run = open_run(flags=flags)
    outcome = run_all(run)
    both = pl.read_parquet(run.path("predictions.parquet")).join(
        table.select(pl.col("Date").cast(pl.Date).alias("date"), pl.col("Code").alias("code"), "h5_d1"),
        on=["date", "code"],
        how="left",
    )
    last = both["date"].unique().sort()[-1 - 6]  # later labels end in the locked year
    found = []
    for day in both.filter(pl.col("date") <= last).sort("date").partition_by("date"):
        known = day.drop_nulls("h5_d1")
        found.append(spearmanr(known["ridge_h5_d1"].to_numpy(), known["h5_d1"].to_numpy()).statistic)
    result = next(r for r in outcome.evaluation.results if str(r.target) == "h5_d1")
    assert result.periods[0].rank_ic.days == len(found)
    assert result.periods[0].rank_ic.mean == pytest.approx(np.mean(found), abs=1e-9)


def test_deep_models_learn_from_a_ready_panel(table: pl.DataFrame, tmp_path: Path) -> None:
    """What the table lacks is named by keys that exist; without them it trains."""
    panel = convert(table.drop("link"), tmp_path)
    flags: dict[str, object] = {
        "run.name": NAME, "run.folder": str(tmp_path / "runs"), "panel.file": str(panel),
        "train.models": ["atft_gat_fan"], "splits.min_train_sessions": 60, "splits.test_years": 1, "deep.epochs": 1,
        "deep.seeds": 1, "deep.sessions": 60, "deep.parts": 1, "atft.hidden": 8, "atft.heads": 2, "atft.lookback": 8,
        "atft.convolutions": 1,
    }  # fmt: skip
    for key, message in (
        ("frequency.channels", "where: frequency.channels"),
        ("atft.gat_layers", "atft.gat_layers=0"),
    ):
        run = open_run(flags=flags)
        with pytest.raises(Gogooku3Error, match=message):
            train(run)
        flags[key] = [] if key == "frequency.channels" else 0
    train(open_run(flags=flags))
    scores = pl.read_parquet(tmp_path / "runs" / NAME / "predictions.parquet")["atft_gat_fan_h5_d1"]
    assert scores.n_unique() > 1000
