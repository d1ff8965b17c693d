"""A daily series in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatD
from gogooku3.evaluation.bootstrap import bootstrap_interval
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.significance import ewc_test, newey_west_test, non_overlapping_test


@dataclass(frozen=True, kw_only=True)
class SeriesSummary:
    """Mean of a daily series and how sure it is; NaN where the series is too short.

    Attributes:
        mean: Mean over the days that have a value.
        sd: Standard deviation over days, ddof 1.
        ratio: ``mean / sd``: the ICIR of a correlation, the daily Sharpe ratio of a return.
        t: t-statistic by equal-weighted cosines.
        freedom: Degrees of freedom of ``t``.
        low, high: Interval of the mean, from ``t``.
        bootstrap_low, bootstrap_high: Interval of the mean by the stationary block bootstrap.
        t_newey_west: t-statistic with Bartlett weights up to lag h - 1.
        t_non_overlapping: t-statistic of every h-th day.
        days: Days with a value.
        skipped: Days without one.
    """

    mean: float
    sd: float
    ratio: float
    t: float
    freedom: float
    low: float
    high: float
    bootstrap_low: float
    bootstrap_high: float
    t_newey_west: float
    t_non_overlapping: float
    days: int
    skipped: int


def summarise(values: FloatD, *, horizon: int, settings: EvaluationSettings) -> SeriesSummary:
    """Summarise a daily series, NaN where a day has no value, in order of time.

    Args:
        values: The series, [D].
        horizon: Sessions over which neighbouring values overlap.
        settings: Level of the intervals and the bootstrap.
    """
    series = values[np.isfinite(values)]
    days = len(series)
    level = settings.confidence
    test = ewc_test(series, horizon=horizon, confidence=level)
    low, high = bootstrap_interval(
        series, horizon=horizon, confidence=level, samples=settings.bootstrap_samples, seed=settings.seed
    )
    sd = float(series.std(ddof=1)) if days > 1 else float("nan")
    return SeriesSummary(
        mean=test.mean,
        sd=sd,
        ratio=test.mean / sd if sd > 0 else float("nan"),
        t=test.t,
        freedom=test.freedom,
        low=test.low,
        high=test.high,
        bootstrap_low=low,
        bootstrap_high=high,
        t_newey_west=newey_west_test(series, horizon=horizon, confidence=level).t,
        t_non_overlapping=non_overlapping_test(series, horizon=horizon, confidence=level).t,
        days=days,
        skipped=len(values) - days,
    )
