"""The trials of a search: what their series say together, and how many they amount to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatD
from gogooku3.errors import EvaluationError

_LEAST_DAYS = 5


@dataclass(frozen=True, kw_only=True)
class TrialSet:
    """How many trials there were, and how much alike.

    Attributes:
        trials: All that were tried, those without a series included.
        with_series: Trials whose series was measured and varies.
        days: Days on which every trial with a series has a value.
        days_left_out: Other days.
        correlation: Mean correlation of two trials, at least 0; 0 where fewer than two have a series.
        effective: ``correlation + (1 - correlation) * trials``: as many independent trials.
        variance: Variance of the trials' Sharpe ratios (ddof 1), per session; NaN below two.
    """

    trials: int
    with_series: int
    days: int
    days_left_out: int
    correlation: float
    effective: float
    variance: float


def trial_set(series: np.ndarray, *, without_series: int = 0) -> TrialSet:
    """Measure the trials of a search.

    A trial that failed or was pruned has no series but was a chance to be lucky all the same: it counts in
    ``without_series``, as does a series that is NaN throughout or never varies.

    Args:
        series: Daily returns, a column a trial, NaN where none, [D, M].
        without_series: Trials that are not among the columns.

    Raises:
        EvaluationError: There is no trial, a value is infinite, or the trials have fewer than five days in common.

    Source: Bailey and López de Prado (2014), "The Deflated Sharpe Ratio", appendix A.3.
    """
    if series.ndim != 2 or without_series < 0 or series.shape[1] + without_series < 1:
        raise EvaluationError(
            "there are no trials", got=series.shape, expected="daily returns [D, M], M >= 1"
        )
    if np.isinf(series).any():
        day, trial = np.argwhere(np.isinf(series))[0]
        raise EvaluationError("a trial's return is infinite", where=f"row {day}, trial {trial}")
    varies = np.array([_varies(column) for column in series.T], dtype=bool)
    kept = series[:, varies].astype(np.float64)
    common = np.isfinite(kept).all(axis=1)
    trials = series.shape[1] + without_series
    if varies.any() and common.sum() < _LEAST_DAYS:
        raise EvaluationError(
            "trials have too few days in common",
            got=f"{int(common.sum())} of {len(series)} days",
            expected=f"at least {_LEAST_DAYS}",
            remedy="run all trials over the same test days",
        )
    kept = kept[common]
    if kept.size and (np.ptp(kept, axis=0) == 0).any():
        raise EvaluationError(
            "a trial does not vary on the days that all trials have", got=f"{len(kept)} days"
        )
    correlation = _mean_correlation(kept)
    return TrialSet(
        trials=trials,
        with_series=int(varies.sum()),
        days=int(common.sum()),
        days_left_out=int((~common).sum()),
        correlation=correlation,
        effective=correlation + (1 - correlation) * trials,
        variance=_variance_of_ratios(kept),
    )


def _varies(column: FloatD) -> bool:
    finite = column[np.isfinite(column)]
    return len(finite) > 1 and bool(np.ptp(finite) > 0)


def _variance_of_ratios(series: np.ndarray) -> float:
    if series.shape[1] < 2:
        return float("nan")
    return float((series.mean(axis=0) / series.std(axis=0, ddof=1)).var(ddof=1))


def _mean_correlation(series: np.ndarray) -> float:
    """Return the mean over all pairs, from the variance of the sum of standardised series."""
    trials = int(series.shape[1])
    if trials < 2:
        return 0.0
    z = (series - series.mean(axis=0)) / series.std(axis=0)
    total = float((z.sum(axis=1) ** 2).mean())  # trials + sum of the correlations of all pairs, both ways
    mean = (total - trials) / (trials * (trials - 1))
    return min(max(mean, 0.0), 1.0)
