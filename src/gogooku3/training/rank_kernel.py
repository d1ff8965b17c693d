"""Per-day ranks of every feature among the day's universe."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rank_columns(x: np.ndarray) -> np.ndarray:
    """Return the place of each value in its column, (average rank - 0.5) / n - 0.5; NaN stays NaN.

    Args:
        x: Features of one session's universe, float32 [n, F].
    """
    rows, width = x.shape
    out = np.full((rows, width), np.nan, dtype=np.float32)
    for f in numba.prange(width):
        kept = np.empty(rows, dtype=np.int64)
        values = np.empty(rows, dtype=np.float32)
        size = 0
        for r in range(rows):
            if x[r, f] == x[r, f]:
                kept[size] = r
                values[size] = x[r, f]
                size += 1
        order = np.argsort(values[:size])
        start = 0
        while start < size:
            stop = start + 1
            while stop < size and values[order[stop]] == values[order[start]]:
                stop += 1
            place = 0.5 * (start + stop) / size - 0.5
            for i in range(start, stop):
                out[kept[order[i]], f] = place
            start = stop
    return out
