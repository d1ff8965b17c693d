"""History that starts later: what it may change, how far, and that it changes nothing else."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from gogooku3.audit.base import Base
from gogooku3.audit.material import write_bars
from gogooku3.audit.part import Part
from gogooku3.audit.told import write_told
from gogooku3.audit.violation import Violation
from gogooku3.axes import BoolDN
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import build, panel_of
from gogooku3.pipeline.published import read_published
from gogooku3.pipeline.segments import feature_set

_CHUNK = 125


def check_warm_up(base: Base, later: int) -> Part:
    """Start history ``later`` sessions later and compare features, each from where its lookback is filled.

    The universe counts bars from the start of history, so a stock may join it later: that is allowed for a stock-day
    with fewer than ``min_history`` bars since the later start, and nowhere else while every stock's count is full.
    Features that read the universe are compared where it was the same over their whole lookback.
    """
    panel, settings = base.panel, base.run.settings
    features = feature_set(settings.panel, read_published(base.run, unadjusted=base.material.bars.chained))
    lookback = {name: features.lookback(name) for name in features.exported}
    longest = max(lookback.values())
    stop = min(len(panel.sessions), later + settings.universe.min_history + 3 * (longest + 1))
    other = _built(base, later, stop)
    place = {code: n for n, code in enumerate(panel.codes)}
    stock = np.array([place[code] for code in other.codes], dtype=np.int64)
    before, after = panel.universe[later:stop], _spread(other.universe, stock, panel)
    counted = np.cumsum(panel.present[later:stop], axis=0)
    complete = _complete(panel, later, stop, counted, settings.universe.min_history)
    moved = before != after
    settled = np.arange(stop - later) >= settings.universe.turnover_window
    found = _universe(panel, later, moved & (complete & settled)[:, None])
    same = ~moved.any(axis=1) & settled
    compared, differing, different = _features(_Start(panel, other, stock, later), same, lookback)
    found += different
    days = np.flatnonzero(moved.any(axis=1))
    facts: dict[str, Any] = {
        "later_by": later,
        "sessions": stop - later,
        "values_compared": compared,
        "values_that_differ": differing,
        "universe_differs_on_stock_days": int(moved.sum()),
        "universe_differs_until": str(panel.sessions[later + days[-1]]) if days.size else None,
        "universe_differs_for_sessions": int(days[-1]) + 1 if days.size else 0,
    }
    if compared == 0:
        found.append(
            Violation(
                stage="warm-up", name="features", detail="nothing could be compared: history is too short"
            )
        )
    return Part(name=f"warm-up {later} later", facts=facts, violations=tuple(found))


def _built(base: Base, later: int, stop: int) -> Panel:
    """Build the same bars from session ``later`` to before ``stop``."""
    sessions, bars = base.panel.sessions, base.material.bars
    inside = pl.col("date").is_between(sessions[later].item(), sessions[stop - 1].item())
    ended = bars.delistings
    if ended is not None:
        ended = ended.filter(pl.col("last_session") <= sessions[stop - 1].item())
    work = base.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    files = write_bars(replace(bars, frame=bars.frame.filter(inside), delistings=ended), work)
    files |= write_told(base.material.told, work)
    run = base.rebuild(work, files, ())
    build(run)
    return panel_of(run)


def _spread(grid: BoolDN, stock: np.ndarray, panel: Panel) -> BoolDN:
    whole = np.zeros((len(grid), len(panel.codes)), dtype=np.bool_)
    whole[:, stock] = grid
    return whole


def _complete(panel: Panel, later: int, stop: int, counted: np.ndarray, need: int) -> np.ndarray:
    """Sessions on which no stock's right to be ranked hangs on the bars before the later start, bool [L]."""
    total = np.cumsum(panel.present[:stop], axis=0)[later:]
    hangs = panel.present[later:stop] & (total >= need) & (counted < need)
    free: np.ndarray = np.logical_not(hangs.any(axis=1))
    return free


def _universe(panel: Panel, later: int, wrong: BoolDN) -> list[Violation]:
    if not wrong.any():
        return []
    day, stock = (int(i) for i in np.argwhere(wrong)[0])
    return [
        Violation(
            stage="warm-up",
            name="universe",
            detail=f"{int(wrong.sum()):,} stock-days differ although all counts of history are full",
            session=str(panel.sessions[later + day]),
            stock=panel.codes[stock],
            cause=f"history starts {later} sessions later",
        )
    ]


@dataclass(frozen=True, eq=False)
class _Start:
    """A panel, and the same from a later start."""

    panel: Panel
    other: Panel
    stock: np.ndarray
    later: int


def _features(start: _Start, same: np.ndarray, lookback: dict[str, int]) -> tuple[int, int, list[Violation]]:
    """Compare each feature on the sessions whose whole lookback has the same universe; return numbers of values."""
    panel, other, later = start.panel, start.other, start.later
    row = np.zeros(len(same), dtype=np.int64)  # sessions in a row, this one included, with the same universe
    for day in range(len(same)):
        row[day] = (row[day - 1] + 1 if day else 1) if same[day] else 0
    need = np.array([lookback[name] + 1 for name in panel.feature_names])
    compared = differing = 0
    found: list[Violation] = []
    for first in range(0, len(same), _CHUNK):
        stop = min(first + _CHUNK, len(same))
        left = _grid(panel, later + first, later + stop)[:, start.stock]
        right = _grid(other, first, stop)
        checked = (row[first:stop, None] >= need)[:, None, :] & np.ones(left.shape, dtype=np.bool_)
        wrong = checked & ~((left == right) | (np.isnan(left) & np.isnan(right)))
        compared += int(checked.sum())
        differing += int(wrong.sum())
        if wrong.any() and not found:
            day, n, f = (int(i) for i in np.argwhere(wrong)[0])
            found.append(
                Violation(
                    stage="warm-up",
                    name=panel.feature_names[f],
                    detail=f"{left[day, n, f]} became {right[day, n, f]} beyond the lookback of {need[f] - 1} sessions",
                    session=str(panel.sessions[later + first + day]),
                    stock=other.codes[n],
                    cause=f"history starts {later} sessions later",
                )
            )
    return compared, differing, found


def _grid(panel: Panel, start: int, stop: int) -> np.ndarray:
    grid = np.full((stop - start, len(panel.codes), len(panel.feature_names)), np.nan, dtype=np.float32)
    for block in panel.blocks(start, stop):
        rows = slice(block.first - start, block.first - start + len(block.sessions))
        grid[rows, block.stock] = block.features
    return grid
