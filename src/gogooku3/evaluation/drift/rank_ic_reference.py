"""What a RankIC was before it is watched."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.significance import ewc_test


@dataclass(frozen=True, kw_only=True)
class RankICReference:
    """The daily RankIC over the sessions that a model is vouched for by.

    Attributes:
        mean: Mean over days.
        deviation: Standard deviation over days, ddof 1.
        long_run_deviation: Root of the long-run variance by equal-weighted cosines: that of a mean over n days,
            times root n.
        days: Days with a value.
    """

    mean: float
    deviation: float
    long_run_deviation: float
    days: int


def rank_ic_reference(values: np.ndarray, *, horizon: int) -> RankICReference:
    """Measure a reference.

    Args:
        values: Daily RankIC of sessions that the model was not fitted on, NaN where none, [D].
        horizon: Sessions over which neighbouring labels overlap.

    Raises:
        EvaluationError: There are too few values, or they do not vary.
    """
    test = ewc_test(values, horizon=horizon)
    finite = values[np.isfinite(values)]
    if not math.isfinite(test.standard_error):
        raise EvaluationError(
            "there is no reference RankIC", got=f"{finite.size} days", expected="more than four, which vary"
        )
    return RankICReference(
        mean=test.mean,
        deviation=float(finite.std(ddof=1)),
        long_run_deviation=test.standard_error * math.sqrt(finite.size),
        days=int(finite.size),
    )
