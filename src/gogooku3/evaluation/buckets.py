"""Equal-count buckets of each session's ranking."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.evaluation.blocks import row_blocks
from gogooku3.ranks import average_ranks


def quantile_buckets(score: FloatDN, *, quantiles: int = 10, min_names: int = 20) -> np.ndarray:
    """Return the bucket of each score, 0 the lowest, -1 where there is none, int16 [D, N].

    The bucket of average rank r among n names is ``floor((r - 1/2) * quantiles / n)``. Tied names share a
    bucket, so the order of the stocks never matters; with heavy ties buckets are uneven or empty.
    A session with fewer than ``min_names`` scores has no buckets.
    """
    buckets = np.full(score.shape, -1, dtype=np.int16)
    for rows in row_blocks(len(score)):
        ranks = average_ranks(score[rows])
        scored = ~np.isnan(ranks)
        names = scored.sum(axis=1, keepdims=True)
        # Twice an average rank is a whole number, so the floor below is exact.
        twice = np.where(scored, 2 * ranks - 1, 0).astype(np.int64)
        bucket = twice * quantiles // np.maximum(2 * names, 1)
        buckets[rows] = np.where(scored & (names >= min_names), bucket, -1)
    return buckets
