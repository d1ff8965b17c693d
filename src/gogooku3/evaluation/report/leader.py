"""Which lag and which model a verdict speaks of."""

from __future__ import annotations

import numpy as np

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.target_evaluation import TargetEvaluation


def tradable_lag(evaluation: Evaluation) -> int:
    """Return the smallest lag of at least 1 that was evaluated, else the smallest."""
    lags = sorted({target.lag for target in evaluation.targets})
    return next((lag for lag in lags if lag >= 1), lags[0])


def leader(evaluation: Evaluation) -> str:
    """Return the model with the highest mean RankIC over the horizons at the tradable lag."""
    lag = tradable_lag(evaluation)

    def strength(model: str) -> float:
        means = [result.whole.rank_ic.mean for result in at_lag(evaluation, model, lag)]
        return float(np.mean(means)) if means else -np.inf

    return max(evaluation.contestants or evaluation.models, key=strength)


def at_lag(evaluation: Evaluation, model: str, lag: int) -> list[TargetEvaluation]:
    """Return a model's results at a lag, by rising horizon."""
    found = (evaluation.find(model, target) for target in evaluation.targets if target.lag == lag)
    return [result for result in found if result is not None]
