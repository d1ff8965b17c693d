"""Grids become columns of a day-major block."""

from __future__ import annotations

import numba
import numpy as np


class Columns:
    """Fills ``out`` [L, N, F] column by column.

    Columns are gathered and written many at a time: written singly, each value would move a whole line of the
    processor's cache.

    Args:
        out: float32 [L, N, F], filled in place.
    """

    def __init__(self, out: np.ndarray) -> None:
        self._out = out
        self._batch = np.empty((_BATCH, *out.shape[:2]), dtype=np.float32)
        self._column: list[int] = []

    def add(self, grid: np.ndarray, column: int) -> None:
        """Take a grid [L, N] as a column."""
        self._batch[len(self._column)] = grid
        self._column.append(column)
        if len(self._column) == _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what was taken."""
        _fill(self._out, self._batch, np.array(self._column, dtype=np.int64))
        self._column.clear()


_BATCH = 16
"""16 float32 are one line of the cache."""


@numba.njit(parallel=True, cache=True)
def _fill(out: np.ndarray, grids: np.ndarray, column: np.ndarray) -> None:
    for i in numba.prange(out.shape[0]):
        for n in range(out.shape[1]):
            for k in range(column.shape[0]):
                out[i, n, column[k]] = grids[k, i, n]
