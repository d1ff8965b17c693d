"""Appending sessions gives the panel that a build from all bars gives, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, SettingsError, StorageError
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.append import append
from gogooku3.pipeline.build import build
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.stage import read_stage
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import simulate

SETTINGS: dict[str, object] = {
    "universe.min_history": 40,
    "universe.size": 30,
    "labels.horizons": [1, 5],
    "market.ended_after": 8,
    "panel.segment_sessions": 60,
}
HELD = 480
ADDED = 20


@dataclass(frozen=True)
class Story:
    """Bars of a market, the sessions, and what becomes of it in the last ``ADDED`` of them."""

    frame: pl.DataFrame
    days: list


@pytest.fixture(scope="module")
def story() -> Story:
    """A split, a listing, a delisting, a halt that ends, and a correction, all in the last sessions."""
    settings = SimulationSettings(stocks=40, sessions=HELD + ADDED, listed_later=0.2, seed=4)
    frame = simulate(settings, [(1, 1)]).bars.frame.select(
        "date", "code", "open", "high", "low", "close", "volume", "adj_factor"
    )
    frame = frame.with_columns(sector=(pl.col("code").str.slice(1, 1).cast(pl.Int64) % 3).cast(pl.String))
    days = frame.get_column("date").unique().sort().to_list()
    codes = frame.filter(pl.col("date") == days[-1]).get_column("code").sort().to_list()
    split, new, gone, halted, ended = codes[:5]
    code, date = pl.col("code"), pl.col("date")
    late = (code == split) & (date >= days[HELD + 7])
    frame = frame.with_columns(
        *(pl.when(late).then(pl.col(n) / 2).otherwise(n) for n in ("open", "high", "low", "close")),
        pl.when(late).then(pl.col("volume") * 2).otherwise("volume"),
        pl.when(late).then(pl.col("adj_factor") * 2).otherwise("adj_factor"),
    )
    frame = frame.filter(
        ~((code == new) & (date < days[HELD + 4])),
        ~((code == gone) & (date > days[HELD + 5])),
        ~((code == halted) & date.is_between(days[HELD - 30], days[HELD + 9])),
        ~((code == ended) & (date > days[HELD - 3])),
    )
    return Story(frame, days)


def run_of(folder: Path, frame: pl.DataFrame, **changes: object) -> Run:
    folder.mkdir(exist_ok=True)
    path = folder / "bars.parquet"
    frame.write_parquet(path)
    flags = {"run.name": "r", "run.folder": str(folder), "source.bars": str(path), **SETTINGS, **changes}
    return open_run(flags=flags, remembered=False)


def built(folder: Path, frame: pl.DataFrame, **changes: object) -> Run:
    run = run_of(folder, frame, **changes)
    build(run)
    return run


def update(run: Run, frame: pl.DataFrame, name: str = "new.parquet"):
    path = run.folder.parent / name
    frame.write_parquet(path)
    return append(run, path)


def panel(run: Run) -> Panel:
    return open_panel(run.path("panel"))


def assert_same(left: Panel, right: Panel) -> None:
    """Compare piece by piece, so that a difference is named."""
    assert left.axes == right.axes
    np.testing.assert_array_equal(left.sessions, right.sessions)
    assert left.codes == right.codes
    assert left.stocks.equals(right.stocks)
    for part in ("known", "labels"):
        differing = [
            str(left.sessions[n])
            for n, pair in enumerate(zip(left.days(part), right.days(part), strict=True))
            if len(set(pair)) > 1
        ]
        assert not differing, f"{part} differs on {differing}"
    assert left.content_hash == right.content_hash
    left.verify()


def on(frame: pl.DataFrame, days: Sequence) -> pl.DataFrame:
    return frame.filter(pl.col("date").is_in(list(days)))


def upto(frame: pl.DataFrame, day) -> pl.DataFrame:
    return frame.filter(pl.col("date") <= day)


def test_twenty_days_one_by_one(story: Story, tmp_path: Path) -> None:
    run = built(tmp_path / "a", upto(story.frame, story.days[HELD - 1]))
    before = {path.name for path in run.path("panel/segments").iterdir()}
    for day in story.days[HELD:]:
        done = update(run, on(story.frame, [day]))
        assert (done.sessions, done.computed) == (1, 1)
        assert done.relabelled > 0
    assert before <= {path.name for path in run.path("panel/segments").iterdir()}  # nothing is rewritten
    whole = built(tmp_path / "b", story.frame)
    assert_same(panel(run), panel(whole))


def test_twenty_days_at_once(story: Story, tmp_path: Path) -> None:
    run = built(tmp_path / "a", upto(story.frame, story.days[HELD - 1]))
    done = update(run, on(story.frame, story.days[HELD:]))
    assert (done.sessions, done.computed) == (ADDED, ADDED)
    assert_same(panel(run), panel(built(tmp_path / "b", story.frame)))
