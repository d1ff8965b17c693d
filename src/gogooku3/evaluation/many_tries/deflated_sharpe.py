"""The probability that the best of many Sharpe ratios is more than luck."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.many_tries.probabilistic_sharpe import probabilistic_sharpe
from gogooku3.evaluation.many_tries.sharpe_ratio import SharpeRatio, sharpe_ratio
from gogooku3.evaluation.many_tries.trial_set import TrialSet, trial_set


@dataclass(frozen=True, kw_only=True)
class DeflatedSharpe:
    """A chosen trial, held against the best that as many useless ones would have shown.

    Attributes:
        sharpe: The chosen trial.
        trials: All trials it was chosen from.
        threshold: Sharpe ratio that the best of the effective trials is expected to show if none is worth
            anything, per session.
        probability: That the true ratio is above the threshold (DSR), for independent returns.
        serial_probability: The same for autocorrelated returns.
    """

    sharpe: SharpeRatio
    trials: TrialSet
    threshold: float
    probability: float
    serial_probability: float


def deflated_sharpe(series: np.ndarray, chosen: int, *, without_series: int = 0) -> DeflatedSharpe:
    """Deflate the Sharpe ratio of the trial in column ``chosen``.

    With a single trial nothing was chosen: the threshold is 0. Otherwise at least two trials need a series, or
    the spread of their ratios is unknown.

    Args:
        series: Daily returns, a column a trial, NaN where none, [D, M].
        chosen: The column that was chosen for its ratio.
        without_series: Trials that failed or were pruned, which count as trials too.

    Raises:
        EvaluationError: The chosen trial has no ratio, or the trials cannot be compared.

    Source: Bailey and López de Prado (2014), "The Deflated Sharpe Ratio".
    """
    if not 0 <= chosen < series.shape[-1]:
        raise EvaluationError("there is no such trial", got=chosen, expected=f"0 to {series.shape[-1] - 1}")
    trials = trial_set(series, without_series=without_series)
    sharpe = sharpe_ratio(series[:, chosen])
    if trials.trials > 1 and math.isnan(trials.variance):
        raise EvaluationError(
            "the spread of the trials' Sharpe ratios is unknown",
            got=f"{trials.with_series} of {trials.trials} trials with a series",
            expected="at least two",
            remedy="keep the daily returns of every finished trial",
        )
    threshold = expected_maximum(trials.effective, trials.variance) if trials.trials > 1 else 0.0
    return DeflatedSharpe(
        sharpe=sharpe,
        trials=trials,
        threshold=threshold,
        probability=probabilistic_sharpe(sharpe, benchmark=threshold),
        serial_probability=probabilistic_sharpe(sharpe, benchmark=threshold, serial=True),
    )


def expected_maximum(trials: float, variance: float) -> float:
    """Return about the expected maximum of ``trials`` independent normal values of mean 0.

    ``sqrt(variance) * ((1 - g) * q(1 - 1 / trials) + g * q(1 - 1 / (trials * e)))`` with the normal quantile q and
    Euler's constant g; 0 for a single trial, and never below.

    Raises:
        EvaluationError: There is less than one trial, or the variance is negative.
    """
    from scipy.special import ndtri

    if not (trials >= 1 and variance >= 0):
        raise EvaluationError(
            "an expected maximum is undefined", got=(trials, variance), expected="trials >= 1, variance >= 0"
        )
    if trials == 1:
        return 0.0
    quantiles = ndtri([1 - 1 / trials, 1 - 1 / (trials * math.e)])
    weight = np.euler_gamma
    return max(0.0, math.sqrt(variance) * float((1 - weight) * quantiles[0] + weight * quantiles[1]))
