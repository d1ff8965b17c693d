"""Per-day ranks of every feature among the day's universe."""

from __future__ import annotations

import numba
import numpy as np
from jaxtyping import Bool

from gogooku3.axes import RowsRF


def rank_columns(x: RowsRF) -> RowsRF:
    """Return the place of each value in its column, (average rank - 0.5) / n - 0.5; NaN stays NaN.

    Args:
        x: Features of one session's universe, float32 [n, F].
    """
    placed: RowsRF = _place(x, np.ones(len(x), dtype=np.bool_))
    return placed


def rank_among(x: RowsRF, member: Bool[np.ndarray, " R"]) -> RowsRF:
    """Return the place of each value among the members of its column; members get the ranks of ``rank_columns``.

    A value between two members gets the place between them, one below or above all of them -0.5 or 0.5. A column
    without a member's value is NaN.

    Args:
        x: Features of all stocks with a bar on one session, float32 [n, F].
        member: True for the session's universe.
    """
    placed: RowsRF = _place(x, member)
    return placed


@numba.njit(parallel=True, cache=True, error_model="numpy")
def _place(x: np.ndarray, member: np.ndarray) -> np.ndarray:
    rows, width = x.shape
    out = np.full((rows, width), np.nan, dtype=np.float32)
    for f in numba.prange(width):
        kept = np.empty(rows, dtype=np.int64)
        values = np.empty(rows, dtype=np.float32)
        size = 0
        members = 0
        for r in range(rows):
            if x[r, f] == x[r, f]:
                kept[size] = r
                values[size] = x[r, f]
                size += 1
                members += member[r]
        if members == 0:
            continue
        order = np.argsort(values[:size])
        start = 0
        before = 0
        while start < size:
            stop = start
            upto = before
            while stop < size and values[order[stop]] == values[order[start]]:
                upto += member[kept[order[stop]]]
                stop += 1
            place = 0.5 * (before + upto) / members - 0.5
            for i in range(start, stop):
                out[kept[order[i]], f] = place
            start = stop
            before = upto
    return out
