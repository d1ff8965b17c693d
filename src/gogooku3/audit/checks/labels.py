"""Labels against the prices of their own spans."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from gogooku3.audit.base import Base
from gogooku3.audit.part import Part
from gogooku3.audit.violation import Violation
from gogooku3.axes import BoolDN, FloatDN
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.ranks import average_ranks

_TOLERANCE = 1e-6  # relative, of a float32 label


def check_labels(base: Base) -> Part:
    """Compute every label again from the two closes that its definition names, and every rank that is trained on.

    ``r(t, h, d) = adj_close[t + d + h] / adj_close[t + d] - 1`` where both closes are there and no link between is
    broken; nothing where a close is missing, but for a stock that ended inside the span. So a label that is shifted,
    in the panel or on its way to training, differs on nearly every stock-day.
    """
    panel = base.panel
    adjusted = _adjusted(base)
    broken = np.cumsum(_broken(adjusted, base.run.settings.market.jump_limit), axis=0)
    data = base.rows
    session = np.repeat(np.arange(len(panel.sessions)), np.diff(data.rows.bounds))
    silence = base.run.settings.market.ended_after + 1
    found: list[Violation] = []
    facts: dict[str, Any] = {}
    for column, target in enumerate(panel.targets):
        label = panel.target(target).astype(np.float64)
        known, free = _oracle(adjusted, broken, panel.present, target, silence)
        facts[str(target)] = int(np.isfinite(known).sum())
        wrong = ~free & ~_close(label, known)
        found += _violation(panel, target, "the label is not the return of its span", wrong, (label, known))
        trained = np.full(label.shape, np.nan)
        trained[session, data.stock] = data.rows.y[:, column]
        rank = _ranks(np.where(free, label, known), panel.universe)
        wrong = ~_close(trained, rank)
        found += _violation(panel, target, "training is given another label", wrong, (trained, rank))
    return Part(name="labels", facts={"labels": facts}, violations=tuple(found))


def _adjusted(base: Base) -> FloatDN:
    """Adjusted closes of the bars that the panel kept, straight from the bars."""
    panel, frame = base.panel, base.material.bars.frame
    place = {code: n for n, code in enumerate(panel.codes)}
    frame = frame.filter(pl.col("code").is_in(list(panel.codes)))
    day = np.searchsorted(panel.sessions, frame.get_column("date").to_numpy())
    stock = frame.get_column("code").replace_strict(place, return_dtype=pl.Int64).to_numpy()
    close = frame.get_column("close").to_numpy()
    if "adj_factor" in frame.columns:
        close = close * frame.get_column("adj_factor").to_numpy()
    inside = day < len(panel.sessions)
    inside[inside] &= panel.sessions[day[inside]] == frame.get_column("date").to_numpy()[inside]
    grid = np.full((len(panel.sessions), len(panel.codes)), np.nan)
    grid[day[inside], stock[inside]] = close[inside]
    grid[~panel.present] = np.nan
    return grid


def _broken(adjusted: FloatDN, limit: float) -> BoolDN:
    """Where the return from the bar before lies beyond the limit."""
    broken = np.zeros(adjusted.shape, dtype=np.bool_)
    before = np.full(adjusted.shape[1], np.nan)
    for day, row in enumerate(adjusted):
        gross = row / before
        broken[day] = (gross > limit) | (gross < 1 / limit)
        before = np.where(np.isnan(row), before, row)
    return broken


def _oracle(
    adjusted: FloatDN, broken: np.ndarray, present: BoolDN, target: Target, silence: int
) -> tuple[FloatDN, BoolDN]:
    """Return labels, and where a stock's end inside the span leaves the label to its terminal return.

    It ended if it never has a bar again, or none for ``silence`` sessions.
    """
    known = np.full(adjusted.shape, np.nan)
    free = np.zeros(adjusted.shape, dtype=np.bool_)
    rows = len(adjusted) - target.reach
    if rows <= 0:
        return known, free
    entry, exit_ = adjusted[target.lag : target.lag + rows], adjusted[target.reach :]
    same = broken[target.lag : target.lag + rows] == broken[target.reach :]
    known[:rows] = np.where(present[:rows] & same, exit_ / entry - 1.0, np.nan)
    day = np.arange(len(present))[:, None]
    last = np.maximum.accumulate(np.where(present, day, -1), axis=0)[target.reach :]
    following = np.minimum.accumulate(np.where(present, day, len(present))[::-1], axis=0)[::-1][
        target.reach :
    ]
    ended = (following - last > silence) | (following == len(present))
    free[:rows] = present[:rows] & ~present[target.reach :] & (last >= day[:rows] + target.lag) & ended
    return known, free


def _close(a: FloatDN, b: FloatDN) -> BoolDN:
    both_missing = np.isnan(a) & np.isnan(b)
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= _TOLERANCE * (1 + np.abs(b))
    same: BoolDN = near | both_missing
    return same


def _ranks(label: FloatDN, universe: BoolDN) -> FloatDN:
    ranks = average_ranks(np.where(universe, label, np.nan))
    count = np.maximum((~np.isnan(ranks)).sum(axis=1, keepdims=True), 1)
    places: FloatDN = (ranks - 0.5) / count - 0.5
    return places


def _violation(
    panel: Panel, target: Target, what: str, wrong: BoolDN, values: tuple[FloatDN, FloatDN]
) -> list[Violation]:
    if not wrong.any():
        return []
    day, stock = (int(i) for i in np.argwhere(wrong)[0])
    got, expected = (float(grid[day, stock]) for grid in values)
    return [
        Violation(
            stage="labels",
            name=str(target),
            detail=f"{what}: {got:.6g} instead of {expected:.6g}, {int(wrong.sum()):,} stock-days differ",
            session=str(panel.sessions[day]),
            stock=panel.codes[stock],
        )
    ]
