"""Whether the best of many trials can be told from the best of as many worthless ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.many_tries.trial_set import trial_set
from gogooku3.evaluation.significance import ewc_freedom

_FloatDM = Float64[np.ndarray, "D M"]

_LEAST_DAYS, _LEAST_LABELS = 20, 8
_AT_ONCE = 2_000  # rotations


@dataclass(frozen=True, kw_only=True)
class NoiseCheck:
    """A chosen trial beside the best of as many that know nothing.

    Attributes:
        p_value: Probability that the best of as many worthless trials shows so large a mean, trials without a series
            included.
        mean: Mean daily RankIC of the chosen trial.
        days: Days on which every trial has a value.
        trials: All that were tried.
        effective: As many independent ones, by the mean correlation of their series.
    """

    p_value: float
    mean: float
    days: int
    trials: int
    effective: float


def noise_check(
    rank_ic: _FloatDM,
    chosen: int,
    *,
    horizon: int,
    without_series: int = 0,
    rotations: int = 10_000,
    seed: int = 0,
) -> NoiseCheck:
    """Test that no trial has a mean above 0, by how large the mean of the chosen one is.

    The means of M series and their first nu cosine projections are nu + 1 vectors [M]. If no trial is worth anything
    they are, over many days, independent draws from one normal distribution with mean 0, whatever the long-run
    correlations of the trials; then so is any rotation of them. The p-value is the share of random rotations whose
    first vector, the means, has a largest entry not below the chosen trial's mean. It needs no estimate of the M by M
    correlations, is exact for any number of trials, and for a single one it is that of the one-sided test by equal-
    weighted cosines (`significance.ewc_test`), of which it is the generalisation to the largest of several means.

    A trial without a series was a chance all the same. With p from the M series and effective numbers of trials
    e(M) and e(all) of the same mean correlation, the p-value is ``1 - (1 - p)^(e(all) / e(M))``.

    Args:
        rank_ic: Daily RankIC, a column a trial, NaN where none, [D, M].
        chosen: Column of the trial that was chosen for its mean.
        horizon: Sessions over which neighbouring values overlap: the longest horizon.
        without_series: Trials that failed or were pruned.
        rotations: Random rotations.
        seed: Same seed, same p-value.

    Raises:
        EvaluationError: There is no such trial, a series does not vary, or there are fewer than 20 common days or
            days of fewer than 8 labels.

    Source: Langsrud (2005), "Rotation tests", Statistics and Computing 15; Lazarus, Lewis, Stock and Watson (2018),
    "HAR Inference"; the largest of several means as in White (2000), "A Reality Check for Data Snooping".
    """
    if not 0 <= chosen < rank_ic.shape[1]:
        raise EvaluationError("there is no such trial", got=chosen, expected=f"0 to {rank_ic.shape[1] - 1}")
    every = trial_set(rank_ic, without_series=without_series)
    if every.with_series < rank_ic.shape[1]:
        raise EvaluationError("a trial's series does not vary")
    known = rank_ic[np.isfinite(rank_ic).all(axis=1)]
    least = max(_LEAST_DAYS, _LEAST_LABELS * horizon)
    if len(known) < least:
        raise EvaluationError(
            "trials have too few days in common",
            got=f"{len(known)} of {len(rank_ic)} days",
            expected=f"at least {least} where labels span {horizon} sessions",
        )
    means = known.mean(axis=0)
    vectors = np.vstack([math.sqrt(len(known)) * means, _projections(known, horizon)])
    p = _rotated(vectors, float(vectors[0, chosen]), rotations, seed)
    measured = trial_set(rank_ic).effective
    return NoiseCheck(
        p_value=1 - (1 - p) ** (every.effective / measured),
        mean=float(means[chosen]),
        days=len(known),
        trials=every.trials,
        effective=every.effective,
    )


def _projections(known: np.ndarray, horizon: int) -> np.ndarray:
    """Return the first nu cosine projections of each column, to the scale of its mean times root T, [nu, M]."""
    days = len(known)
    order = np.arange(1, ewc_freedom(days, horizon) + 1)
    cosines = math.sqrt(2) * np.cos(np.pi * np.outer(order, (np.arange(days) + 0.5) / days))
    overlap = np.ones(horizon)
    spread = np.array([np.linalg.norm(np.convolve(row, overlap)) for row in cosines])
    scale = np.linalg.norm(np.convolve(np.ones(days), overlap)) / spread
    projections: np.ndarray = scale[:, None] * (cosines @ (known - known.mean(axis=0))) / math.sqrt(days)
    return projections


def _rotated(vectors: np.ndarray, shown: float, rotations: int, seed: int) -> float:
    """Return how often a rotation's first vector has a largest entry not below ``shown``; never 0."""
    rng = np.random.default_rng(seed)
    above = 0
    for first in range(0, rotations, _AT_ONCE):
        axis = rng.standard_normal((min(_AT_ONCE, rotations - first), len(vectors)))
        axis /= np.linalg.norm(axis, axis=1, keepdims=True)
        above += int(((axis @ vectors).max(axis=1) >= shown).sum())
    return (1 + above) / (1 + rotations)
