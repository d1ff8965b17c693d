"""The k nearest stocks of each stock."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

_ROWS = 256  # stocks that are taken at once


def nearest(
    similarity: Float32[np.ndarray, "N N"], neighbours: int, threshold: float
) -> tuple[Int64[np.ndarray, "N k"], Float32[np.ndarray, "N k"]]:
    """Return the most similar stocks of each stock, itself excluded.

    Of two equally similar stocks the one with the lower index is the nearer.

    Args:
        similarity: Row i holds the similarity of every stock with stock i; NaN is never near.
        neighbours: k.
        threshold: Similarity that has to be exceeded.

    Returns:
        Indices, the nearest first, -1 where there is none, and their similarities, 0 there.
    """
    count = len(similarity)
    index = np.full((count, neighbours), -1, dtype=np.int64)
    value = np.zeros((count, neighbours), dtype=np.float32)
    for first in range(0, count, _ROWS):
        rows = slice(first, first + _ROWS)
        part = np.where(similarity[rows] > threshold, similarity[rows], -np.inf)
        np.fill_diagonal(part[:, first:], -np.inf)
        _take(part, index[rows], value[rows])
    return index, value


def _take(part: Float32[np.ndarray, "R N"], index: np.ndarray, value: np.ndarray) -> None:
    """Fill the neighbours of some stocks; -inf is never near."""
    count, k = part.shape[1], index.shape[1]
    best = np.sort(part, axis=1)[:, -min(k, count)]  # np.partition is six times slower where many are equal
    least = np.nextafter(np.float32(-np.inf), np.float32(0))
    row, column = np.divmod(np.flatnonzero(part >= np.maximum(best, least)[:, None]), count)
    near = part[row, column]
    order = np.lexsort((column, -near, row))
    row, column, near = row[order], column[order], near[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = place < k
    index[row[kept], place[kept]] = column[kept]
    value[row[kept], place[kept]] = near[kept]
