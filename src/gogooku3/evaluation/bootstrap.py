"""The stationary block bootstrap."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def block_length(days: int, horizon: int) -> int:
    """Return the expected block length: the horizon, or T^(1/3) rounded up where that is longer."""
    return max(horizon, int(np.ceil(days ** (1 / 3) - 1e-9)), 1)


def bootstrap_interval(
    values: np.ndarray, *, horizon: int = 1, confidence: float = 0.95, samples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile interval of the mean; NaN below five values.

    Blocks start anywhere with equal chance, have geometric lengths of mean ``block_length`` and wrap around.

    Args:
        values: The series in order of time; NaN are left out, [T].
        horizon: Sessions over which neighbouring values overlap.
        confidence: Level of the interval.
        samples: Resamples.
        seed: Same seed, same interval.

    Source: Politis and Romano (1994), "The Stationary Bootstrap".
    """
    series = values[np.isfinite(values)]
    if len(series) < 5:
        return float("nan"), float("nan")
    counts = _draws(len(series), block_length(len(series), horizon), samples, seed)
    means = counts @ series / len(series)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


@lru_cache(maxsize=16)  # the whole period and each year, drawn once for all models
def _draws(days: int, block: int, samples: int, seed: int) -> np.ndarray:
    """Return how often each day is drawn in each resample, [samples, days]."""
    rng = np.random.default_rng(seed)
    fresh = rng.random((samples, days)) < 1 / block
    fresh[:, 0] = True
    start = rng.integers(0, days, (samples, days))
    column = np.arange(days)
    begun = np.maximum.accumulate(np.where(fresh, column, 0), axis=1)
    index = (np.take_along_axis(start, begun, axis=1) + column - begun) % days
    flat = index + np.arange(samples)[:, None] * days
    counts = np.bincount(flat.ravel(), minlength=samples * days).reshape(samples, days)
    return counts.astype(np.float64)
