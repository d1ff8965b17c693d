"""Ranks within each session, ties averaged."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from gogooku3.axes import FloatDN

_ROWS = 64  # temporaries of this many rows stay in the cache


def average_ranks(grid: Float[np.ndarray, "D N"]) -> FloatDN:
    """Return 1-based ranks along the last axis; tied values share their mean rank, NaN stays NaN, [D, N]."""
    ranks = np.full(grid.shape, np.nan)
    if grid.shape[1]:
        for start in range(0, len(grid), _ROWS):
            ranks[start : start + _ROWS] = _rank_block(grid[start : start + _ROWS])
    return ranks


def _rank_block(block: np.ndarray) -> np.ndarray:
    order = np.argsort(block, axis=1)  # NaN last
    ordered = np.take_along_axis(block, order, axis=1)
    starts = np.ones(block.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.flatnonzero(starts)
    length = np.diff(first, append=block.size)
    mean_rank = first % block.shape[1] + (length + 1) / 2
    ranks = np.empty(block.shape)
    np.put_along_axis(ranks, order, np.repeat(mean_rank, length).reshape(block.shape), axis=1)
    ranks[np.isnan(block)] = np.nan
    return ranks
