"""Whether two daily series of different days have the same mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gogooku3.evaluation.significance import ewc_test

_Series = Float64[np.ndarray, "_"]  # the two differ in length


@dataclass(frozen=True, kw_only=True)
class MeanDifference:
    """The difference of two means; NaN where either series is too short or does not vary.

    Attributes:
        difference: First minus second.
        t: Its t-statistic.
        freedom: Degrees of freedom of ``t``.
        low, high: Interval of the difference.
    """

    difference: float
    t: float
    freedom: float
    low: float
    high: float


def compare_means(first: _Series, second: _Series, *, horizon: int, confidence: float) -> MeanDifference:
    """Compare the means of two series of different days, each with the cosine estimator's standard error.

    The two variances are added, as the days are others; the degrees of freedom are Satterthwaite's,
    ``(a + b)^2 / (a^2 / n + b^2 / m)`` for variances a and b of means with n and m.

    Args:
        first: Daily series in order of time, NaN where a day has no value.
        second: The other, of other days.
        horizon: Sessions over which neighbouring values overlap.
        confidence: Level of the interval.

    Source: Welch (1947), "The Generalization of Student's Problem when Several Different Population Variances are
    Involved"; ``ewc_test`` for the standard errors.
    """
    from scipy.special import stdtrit

    one, other = (ewc_test(series, horizon=horizon) for series in (first, second))
    a, b = one.standard_error**2, other.standard_error**2
    freedom = (a + b) ** 2 / (a**2 / one.freedom + b**2 / other.freedom)
    difference, error = one.mean - other.mean, math.sqrt(a + b)
    reach = float(stdtrit(freedom, 0.5 + confidence / 2)) * error
    return MeanDifference(
        difference=difference,
        t=difference / error,
        freedom=freedom,
        low=difference - reach,
        high=difference + reach,
    )
