"""Whether the mean of an autocorrelated daily series differs from zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class MeanTest:
    """A mean with its t-statistic and interval; NaN where the series is too short or does not vary."""

    mean: float
    standard_error: float
    t: float
    freedom: float
    low: float
    high: float


def ewc_freedom(days: int, horizon: int) -> int:
    """Return nu = max(4, min(.4 T^(2/3), T / 4h)), rounded down: the number of cosines that are averaged."""
    cosines = min(0.4 * math.pow(days, 2 / 3), days / (4 * horizon))
    return max(4, math.floor(cosines + 1e-9))


def ewc_test(values: np.ndarray, *, horizon: int = 1, confidence: float = 0.95) -> MeanTest:
    """Test the mean with the equal-weighted cosine estimator of the long-run variance.

    ``Omega = mean over j = 1..nu of Lambda_j^2`` with
    ``Lambda_j = sqrt(2 / T) sum over t = 1..T of x_t cos(pi j (t - 1/2) / T)``, and
    ``t = sqrt(T) mean / sqrt(Omega)`` has Student's t distribution with nu degrees of freedom.

    Args:
        values: The series in order of time; NaN are left out, [T].
        horizon: Sessions over which neighbouring values overlap.
        confidence: Level of the interval.

    Source: Lazarus, Lewis, Stock and Watson (2018), "HAR Inference: Recommendations for Practice".
    """
    series = _finite(values)
    days = len(series)
    freedom = ewc_freedom(days, horizon)
    if days <= freedom:
        return _untested(series)
    projections = _cosines(days, freedom) @ (series - series.mean())
    variance = float(projections @ projections) / freedom
    return _student(series, variance, freedom, confidence)


def newey_west_test(values: np.ndarray, *, horizon: int = 1, confidence: float = 0.95) -> MeanTest:
    """Test the mean with Bartlett weights up to lag ``horizon - 1`` (Newey and West 1987).

    It stands beside the cosine estimator for comparison: with persistent scores it rejects far too often.
    """
    series = _finite(values)
    days = len(series)
    if days < 2:
        return _untested(series)
    centred = series - series.mean()
    variance = float(centred @ centred) / days
    for lag in range(1, min(horizon, days)):
        variance += 2 * (1 - lag / horizon) * float(centred[lag:] @ centred[:-lag]) / days
    return _student(series, variance, days - 1, confidence)


def non_overlapping_test(values: np.ndarray, *, horizon: int = 1, confidence: float = 0.95) -> MeanTest:
    """Test the mean of every ``horizon``-th value, which do not overlap, as independent ones."""
    series = _finite(values)[::horizon]
    if len(series) < 2:
        return _untested(series)
    return _student(series, float(series.var(ddof=1)), len(series) - 1, confidence)


def _student(series: np.ndarray, variance: float, freedom: int, confidence: float) -> MeanTest:
    from scipy.special import stdtrit

    mean = float(series.mean())
    if np.ptp(series) == 0 or variance <= 0:
        return _untested(series)
    error = math.sqrt(variance / len(series))
    reach = float(stdtrit(freedom, 0.5 + confidence / 2)) * error
    return MeanTest(
        mean=mean,
        standard_error=error,
        t=mean / error,
        freedom=float(freedom),
        low=mean - reach,
        high=mean + reach,
    )


def _untested(series: np.ndarray) -> MeanTest:
    mean = float(series.mean()) if len(series) else _NAN
    return MeanTest(mean=mean, standard_error=_NAN, t=_NAN, freedom=_NAN, low=_NAN, high=_NAN)


def _finite(values: np.ndarray) -> np.ndarray:
    series: np.ndarray = values[np.isfinite(values)]
    return series


@lru_cache(maxsize=16)
def _cosines(days: int, freedom: int) -> np.ndarray:
    midpoint = (np.arange(days) + 0.5) / days
    rows: np.ndarray = math.sqrt(2 / days) * np.cos(np.pi * np.arange(1, freedom + 1)[:, None] * midpoint)
    return rows
