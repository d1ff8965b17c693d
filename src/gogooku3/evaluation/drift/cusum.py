"""A cumulative sum that tells when the RankIC has fallen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatD
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.rank_ic_reference import RankICReference
from gogooku3.evaluation.drift.settings import DriftSettings

_OVERSHOOT = (
    1.166  # expected overshoot of a normal random walk on both sides, in standard deviations of a step
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Cusum:
    """Page's one-sided cumulative sum of a daily RankIC.

    ``S_t = max(0, S_{t-1} + mean - slack - x_t)``; at an alarm it starts again from 0.

    Attributes:
        name: Name of the scores.
        statistic: ``S_t`` before it is set back, NaN on days without a value, [D].
        slack: Half the fall that is looked for.
        threshold: An alarm is a statistic above it.
        alarms: Rows of the alarms.
        since: For each alarm the row after the last one with ``S_t = 0``: where the fall seems to have begun.
        expected_delay: Mean number of sessions from such a fall to its alarm.
    """

    name: str
    statistic: FloatD
    slack: float
    threshold: float
    alarms: tuple[int, ...]
    since: tuple[int, ...]
    expected_delay: float

    def alarm(self, sessions: np.ndarray) -> DriftAlarm | None:
        """Return an alarm where there is any, about the last one.

        Args:
            sessions: The dates of the rows, datetime64[D] array of shape [D].
        """
        if not self.alarms:
            return None
        row, since = self.alarms[-1], self.since[-1]
        return DriftAlarm(
            kind="rank ic",
            name=self.name,
            seen=float(self.statistic[row]),
            threshold=self.threshold,
            text=(
                f"The RankIC of {self.name} has fallen, it seems since {sessions[since]}: its cumulative sum is "
                f"{self.statistic[row]:.2f} on {sessions[row]}, above {self.threshold:.2f}."
            ),
        )


def cusum(values: FloatD, *, reference: RankICReference, name: str, settings: DriftSettings) -> Cusum:
    """Watch a daily RankIC for the loss of ``settings.lost_share`` of its reference mean.

    The slack is half of that loss. The threshold gives ``settings.quiet_sessions`` to a false alarm on average, by
    Siegmund's approximation ``(exp(2 k b) - 2 k b - 1) / (2 k^2)`` with slack k and reach b in units of the long-run
    standard deviation, which carries the overlap of the labels. The threshold is less than b by 1.166 standard
    deviations of a step; a step is as long as the autocorrelation, long-run variance over variance, one session
    where there is none: labels of h sessions count as one step in h. In simulated RankIC with overlapping labels of
    1, 5, 10 and 20 sessions false alarms were 380 to 460 sessions apart for 400, and 2,400 to 2,870 for 2,500.

    The reference mean is taken as known, which it never is: a model whose reference was lucky raises an alarm without
    any change.

    Args:
        values: Daily RankIC in order of time, NaN where none, [D].
        reference: What it was.
        name: Name of the scores.
        settings: The loss that is looked for, and how rare false alarms are to be.

    Raises:
        EvaluationError: The reference mean is not above 0, or a value is infinite.

    Source: Page (1954), "Continuous Inspection Schemes"; Siegmund (1985), Sequential Analysis, section 2.6.
    """
    if not reference.mean > 0:
        raise EvaluationError(
            "a RankIC that is not above 0 cannot be lost",
            where=name,
            got=f"a reference mean of {reference.mean:.4f} over {reference.days} days",
            expected="a reference mean above 0",
        )
    if np.isinf(values).any():
        raise EvaluationError("a RankIC is infinite", where=name, expected="finite or NaN")
    scale, slack = reference.long_run_deviation, settings.lost_share * reference.mean / 2
    reach = decision_reach(slack / scale, float(settings.quiet_sessions)) * scale
    threshold = max(reach - _OVERSHOOT * scale**2 / reference.deviation, 0.0)
    statistic, alarms, since = _run(values, reference.mean - slack, threshold)
    return Cusum(
        name=name,
        statistic=statistic,
        slack=slack,
        threshold=threshold,
        alarms=alarms,
        since=since,
        expected_delay=run_length(-slack / scale, reach / scale),
    )


def run_length(slack: float, reach: float) -> float:
    """Return the mean run length of a cumulative sum of normal steps of mean ``-slack`` and variance 1.

    Args:
        slack: Negative where the sum drifts towards its threshold.
        reach: Threshold plus 1.166 standard deviations of a step.
    """
    if slack == 0:
        return reach**2
    exponent = 2 * slack * reach
    return (math.expm1(exponent) - exponent) / (2 * slack**2)


def decision_reach(slack: float, length: float) -> float:
    """Return the reach whose mean run length is ``length``: the inverse of ``run_length`` for a slack above 0."""
    from scipy.optimize import brentq

    high = 1.0
    while run_length(slack, high) < length:
        high *= 2
    return float(brentq(lambda reach: run_length(slack, reach) - length, 0.0, high, xtol=1e-10))


def _run(values: FloatD, target: float, threshold: float) -> tuple[FloatD, tuple[int, ...], tuple[int, ...]]:
    statistic = np.full(len(values), np.nan)
    alarms, since = [], []
    total, begun = 0.0, 0
    for row, value in enumerate(values):
        if math.isnan(value):
            continue
        total = max(0.0, total + target - float(value))
        statistic[row] = total
        if total > threshold:
            alarms.append(row)
            since.append(begun)
            total = 0.0
        if total == 0.0:
            begun = row + 1
    return statistic, tuple(alarms), tuple(since)
