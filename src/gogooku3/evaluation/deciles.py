"""What the buckets of a ranking earned."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gogooku3.axes import BoolDN, FloatD, FloatDN, IntD
from gogooku3.evaluation.blocks import row_blocks
from gogooku3.evaluation.buckets import quantile_buckets
from gogooku3.evaluation.daily_correlation import paired_names
from gogooku3.ranks import average_ranks


@dataclass(frozen=True, eq=False, kw_only=True)
class DailyDeciles:
    """Label means per session and bucket, lowest scores first.

    Buckets are formed over all scored names, as a trader would on the day; each mean is over those of them
    that have a label.

    Attributes:
        returns: Equal-weighted label mean of each bucket, NaN where it is empty, [D, Q].
        hits: Names whose demeaned score and demeaned label have the same sign, [D].
        pairs: Names with both, on the sessions that count, [D].
    """

    returns: Float64[np.ndarray, "D Q"]
    hits: IntD
    pairs: IntD

    @property
    def spread(self) -> FloatD:
        """Top bucket minus bottom bucket, NaN where either is empty, [D]."""
        difference: FloatD = self.returns[:, -1] - self.returns[:, 0]
        return difference

    def means(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean over the sessions selected by the mask or index ``rows``, [Q]."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a bucket that is always empty is NaN
            mean: np.ndarray = np.nanmean(self.returns[rows], axis=0)
        return mean

    def monotonicity(self, rows: np.ndarray) -> float:
        """Return Spearman's correlation of bucket index and bucket mean, NaN below three buckets."""
        means = self.means(rows)
        index = np.flatnonzero(np.isfinite(means))
        if index.size < 3:
            return float("nan")
        left, right = average_ranks(np.stack([index.astype(np.float64), means[index]]))
        if np.ptp(right) == 0:
            return float("nan")
        return float(np.corrcoef(left, right)[0, 1])

    def hit_rate(self, rows: np.ndarray) -> float:
        """Return the share of (session, stock) pairs with the same sign, NaN where there is no pair."""
        pairs = int(self.pairs[rows].sum())
        return float(self.hits[rows].sum() / pairs) if pairs else float("nan")


def daily_deciles(
    score: FloatDN, label: FloatDN, *, quantiles: int = 10, min_names: int = 20
) -> DailyDeciles:
    """Return what each bucket of each session's ranking earned.

    Args:
        score: Scores [D, N], NaN where none.
        label: Labels [D, N], NaN where none.
        quantiles: Buckets.
        min_names: A session with fewer names that have both has no value.

    Raises:
        EvaluationError: The shapes differ, or a value is infinite.
    """
    paired = paired_names(score, label)
    paired &= (paired.sum(axis=1) >= min_names)[:, None]
    bucket = quantile_buckets(score, quantiles=quantiles, min_names=min_names)
    returns = np.full((len(score), quantiles), np.nan)
    hits, pairs = np.zeros(len(score), dtype=np.int64), np.zeros(len(score), dtype=np.int64)
    for rows in row_blocks(len(score)):
        used = paired[rows]
        returns[rows] = _bucket_means(bucket[rows], label[rows], used, quantiles)
        hits[rows], pairs[rows] = _hits(score[rows], label[rows], used)
    return DailyDeciles(returns=returns, hits=hits, pairs=pairs)


def _bucket_means(bucket: np.ndarray, label: FloatDN, used: BoolDN, quantiles: int) -> np.ndarray:
    cell = (np.arange(len(label))[:, None] * quantiles + bucket)[used]
    size = len(label) * quantiles
    total = np.bincount(cell, weights=label[used], minlength=size)
    count = np.bincount(cell, minlength=size)
    means = np.full(size, np.nan)
    np.divide(total, count, out=means, where=count > 0)
    return means.reshape(len(label), quantiles)


def _hits(score: FloatDN, label: FloatDN, used: BoolDN) -> tuple[IntD, IntD]:
    pairs = used.sum(axis=1, dtype=np.int64)
    low = np.min(score, axis=1, where=used, initial=np.inf)
    pairs[low == np.max(score, axis=1, where=used, initial=-np.inf)] = 0  # a constant score has no sign
    divisor = np.maximum(pairs, 1)[:, None]
    x = score - np.where(used, score, 0.0).sum(axis=1, keepdims=True) / divisor
    y = label - np.where(used, label, 0.0).sum(axis=1, keepdims=True) / divisor
    same = used & (pairs > 0)[:, None] & (x * y > 0)
    return same.sum(axis=1, dtype=np.int64), pairs
