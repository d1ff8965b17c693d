"""A Sharpe ratio and how surely it was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.significance import ewc_test

_LEAST_DAYS = 5


@dataclass(frozen=True, kw_only=True)
class SharpeRatio:
    """The Sharpe ratio of one series of returns, per session, with two unit variances.

    A unit variance over the number of days is the variance of the estimate.

    Attributes:
        ratio: Mean over standard deviation (ddof 1), not annualised.
        skewness: Third standardised moment.
        kurtosis: Fourth standardised moment, 3 for a normal distribution.
        days: Days with a return.
        variance: ``1 - skewness * ratio + (kurtosis - 1) / 4 * ratio^2``, for independent returns.
        long_run_variance: The same for autocorrelated returns: the equal-weighted cosine estimate of the long-run
            variance of ``z - ratio / 2 * (z^2 - 1)``, where ``z`` are the standardised returns. Its expectation
            for independent returns is ``variance``.
        freedom: Degrees of freedom of ``long_run_variance``.
    """

    ratio: float
    skewness: float
    kurtosis: float
    days: int
    variance: float
    long_run_variance: float
    freedom: float


def sharpe_ratio(returns: np.ndarray, *, horizon: int = 1) -> SharpeRatio:
    """Measure a Sharpe ratio.

    Args:
        returns: Returns in order of time; NaN are left out, [D].
        horizon: Sessions over which neighbouring returns overlap; 1 for the daily returns of a portfolio.

    Raises:
        EvaluationError: There are fewer than five returns, one is infinite, or they do not vary.

    Source: Mertens (2002), "Comments on variance of the IID estimator in Lo (2002)"; the long-run variance of the
    same influence function, as in Lo (2002), "The Statistics of Sharpe Ratios".
    """
    series = np.asarray(returns, dtype=np.float64)
    series = series[~np.isnan(series)]
    if len(series) < _LEAST_DAYS or np.ptp(series) == 0 or not np.isfinite(series).all():
        raise EvaluationError(
            "a Sharpe ratio cannot be measured",
            got=f"{len(series)} returns" + (", all the same" if len(series) and np.ptp(series) == 0 else ""),
            expected=f"at least {_LEAST_DAYS} finite returns that vary",
        )
    ratio = float(series.mean() / series.std(ddof=1))
    z = (series - series.mean()) / series.std()
    skewness, kurtosis = float((z**3).mean()), float((z**4).mean())
    influence = ewc_test(z - ratio / 2 * (z**2 - 1), horizon=horizon)
    return SharpeRatio(
        ratio=ratio,
        skewness=skewness,
        kurtosis=kurtosis,
        days=len(series),
        variance=unit_variance(ratio, skewness=skewness, kurtosis=kurtosis),
        long_run_variance=influence.standard_error**2 * len(series),
        freedom=influence.freedom,
    )


def unit_variance(ratio: float, *, skewness: float = 0.0, kurtosis: float = 3.0) -> float:
    """Return the variance of a Sharpe ratio of independent returns, times the number of returns.

    Raises:
        EvaluationError: No distribution has these moments: kurtosis is below ``1 + skewness^2``.
    """
    if not (math.isfinite(ratio) and kurtosis >= 1 + skewness**2 - 1e-9):
        raise EvaluationError(
            "the moments of the returns are impossible",
            got=f"Sharpe ratio {ratio}, skewness {skewness}, kurtosis {kurtosis}",
            expected="a finite ratio and kurtosis >= 1 + skewness^2 (3 for a normal distribution)",
        )
    return 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
