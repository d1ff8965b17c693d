"""Purging by sets of sessions, one row at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def span(rows: Iterable[int], reach: int) -> set[int]:
    """All sessions that the rows' features' day and labels cover."""
    return {s for t in rows for s in range(int(t), int(t) + reach + 1)}


def clear(rows: Iterable[int], block: Iterable[int], reach: int, embargo: int = 0) -> list[int]:
    """The rows that touch neither the block's span nor, by their own session, its embargo."""
    block = list(block)
    taken = span(block, reach)
    last = max(taken, default=-1)
    return [
        int(t)
        for t in rows
        if taken.isdisjoint(span([t], reach)) and not (block and last < t <= last + embargo)
    ]


def as_list(rows: np.ndarray) -> list[int]:
    return [int(t) for t in rows]
