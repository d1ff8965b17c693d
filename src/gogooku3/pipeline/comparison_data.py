"""Whether two contestants saw the same data and are judged on the same labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import numpy as np

from gogooku3.pipeline.contestant import Contestant

_SHOWN = 3


def same_data(first: Contestant, other: Contestant) -> bool:
    """Whether every value that was trained on, scored and judged is the same, session by session."""
    used = [list(side.data.values()) for side in (first, other)]
    return used[0] == used[1] and first.label_digests == other.label_digests


def yardstick_differences(first: Contestant, other: Contestant) -> list[str]:
    """Say in what the two differ beside their features: bars, sessions, stocks, universe, prices, targets, labels.

    Nothing after the last session whose prices may be looked at counts.
    """
    panels, end = (first.panel, other.panel), min(first.end, other.end)
    found = [*_files(first, other)]
    if panels[0].targets != panels[1].targets:
        found.append(_named("targets", first, other, *(list(map(str, panel.targets)) for panel in panels)))
    days = [panel.sessions[:end] for panel in panels]
    if not np.array_equal(days[0], days[1]):
        spans = [f"{len(each):,} from {each[0]} to {each[-1]}" for each in days]
        return [*found, f"sessions: {first.label} {spans[0]}, {other.label} {spans[1]}"]
    if panels[0].codes != panels[1].codes:
        return [*found, _named("stocks", first, other, *(list(panel.codes) for panel in panels))]
    return found + list(_grids(first, other))


def _grids(first: Contestant, other: Contestant) -> Iterator[str]:
    mine, theirs, end = first.panel, other.panel, min(first.end, other.end)
    universe = mine.universe[:end] != theirs.universe[:end]
    if universe.any():
        day = int(np.flatnonzero(universe.any(axis=1))[0])
        yield f"universe: {int(universe.sum()):,} stock-days, the first on {mine.sessions[day]}"
    if mine.field_names != theirs.field_names:
        yield _named("market fields", first, other, list(mine.field_names), list(theirs.field_names))
    for name in mine.field_names:
        if name in theirs.field_names and not np.array_equal(
            mine.grid(name)[:end], theirs.grid(name)[:end], equal_nan=True
        ):
            yield f"market field {name}"
    columns = ["code", "sector"]
    if not mine.stocks.select(columns).equals(theirs.stocks.select(columns)):
        yield "sectors of stocks"
    if mine.targets == theirs.targets and _labels_differ(first, other):
        yield "labels"


def _labels_differ(first: Contestant, other: Contestant) -> bool:
    return first.panel.days("labels")[: first.stop] != other.panel.days("labels")[: other.stop]


def _files(first: Contestant, other: Contestant) -> Iterator[str]:
    """Compare the digests of files of bars, whatever they are called."""
    found = [side.panel.lineage.get("files") for side in (first, other)]
    digests = [sorted(files.values()) if isinstance(files, dict) else [] for files in found]
    if digests[0] != digests[1]:
        shown = [", ".join(digest[:12] for digest in each) or "none known" for each in digests]
        yield f"files of bars: {first.label} {shown[0]}, {other.label} {shown[1]}"


def _named(what: str, first: Contestant, other: Contestant, left: list[str], right: list[str]) -> str:
    """Say which names one of the two has alone."""
    parts = []
    for side, own, theirs in ((first, left, right), (other, right, left)):
        alone = [name for name in own if name not in set(theirs)]
        if alone:
            some = ", ".join(alone[:_SHOWN]) + (", ..." if len(alone) > _SHOWN else "")
            parts.append(f"only {side.label} has {len(alone)} ({some})")
    return f"{what}: {', '.join(parts) or 'in another order'}"


def fold_differences(first: Contestant, other: Contestant) -> list[str]:
    """Say in which folds, and in which of their sessions, the two differ."""
    names = [[fold.name for fold in side.folds] for side in (first, other)]
    if names[0] != names[1]:
        return [
            f"folds: {first.label} tests {', '.join(names[0])}, {other.label} tests {', '.join(names[1])}"
        ]
    found = []
    for mine, theirs in zip_longest(first.folds, other.folds):
        for part in ("train", "validation", "test"):
            days = [
                side.panel.sessions[getattr(fold, part)] for side, fold in ((first, mine), (other, theirs))
            ]
            if not np.array_equal(days[0], days[1]):
                spans = [f"{len(each)} sessions from {each[0]} to {each[-1]}" for each in days]
                found.append(f"fold {mine.name}, {part}: {first.label} {spans[0]}, {other.label} {spans[1]}")
    return found
