"""A portfolio against its benchmark."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.errors import EvaluationError

_NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class RelativeSummary:
    """Benchmark-relative figures over the sessions on which both returns are known; NaN where there are too few.

    Attributes:
        active_annual: Mean of return less benchmark, times the sessions of a year.
        tracking_error: Standard deviation (ddof 1) of that difference, times the root of the sessions of a year.
        information_ratio: ``active_annual / tracking_error``.
        beta: Slope of the return on the benchmark.
        alpha_annual: Mean of return less beta x benchmark, times the sessions of a year.
        correlation: Pearson correlation with the benchmark.
        benchmark_annual: Mean benchmark return times the sessions of a year.
        days: Sessions compared.
    """

    active_annual: float
    tracking_error: float
    information_ratio: float
    beta: float
    alpha_annual: float
    correlation: float
    benchmark_annual: float
    days: int


def compare_with_benchmark(
    returns: np.ndarray, benchmark: np.ndarray, *, sessions_per_year: float
) -> RelativeSummary:
    """Compare daily returns with those of a benchmark.

    Args:
        returns: Daily returns, float64 [D], NaN where none.
        benchmark: Daily returns of the benchmark, float64 [D], NaN where none.
        sessions_per_year: For the scale.

    Raises:
        EvaluationError: The lengths differ.
    """
    if len(returns) != len(benchmark):
        raise EvaluationError(
            "returns and benchmark differ in length",
            got=(len(returns), len(benchmark)),
            expected="one length",
        )
    both = np.isfinite(returns) & np.isfinite(benchmark)
    own, market = returns[both], benchmark[both]
    days = int(both.sum())
    if days < 2:
        return RelativeSummary(**dict.fromkeys(_RATIOS, _NAN), days=days)
    active = own - market
    tracking = float(active.std(ddof=1)) * math.sqrt(sessions_per_year)
    variance, covariance = float(market.var(ddof=1)), float(np.cov(own, market)[0, 1])
    beta = covariance / variance if variance > 0 else _NAN
    spread = math.sqrt(variance * float(own.var(ddof=1)))
    mean = float(active.mean()) * sessions_per_year
    return RelativeSummary(
        active_annual=mean,
        tracking_error=tracking,
        information_ratio=mean / tracking if tracking > 0 else _NAN,
        beta=beta,
        alpha_annual=float((own - beta * market).mean()) * sessions_per_year,
        correlation=covariance / spread if spread > 0 else _NAN,
        benchmark_annual=float(market.mean()) * sessions_per_year,
        days=days,
    )


_RATIOS = (
    "active_annual",
    "tracking_error",
    "information_ratio",
    "beta",
    "alpha_annual",
    "correlation",
    "benchmark_annual",
)
