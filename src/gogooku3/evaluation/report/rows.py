"""Rows that many tables share: one per target and model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.target_evaluation import PeriodEvaluation, TargetEvaluation
from gogooku3.labels.target import Target

STUB = ("Horizon", "Lag", "Model")


def results(evaluation: Evaluation) -> Iterator[TargetEvaluation]:
    """Yield every result, target by target, models in the order given."""
    for target in evaluation.targets:
        for model in evaluation.models:
            result = evaluation.find(model, target)
            if result is not None:
                yield result


def stub(result: TargetEvaluation) -> list[str]:
    """Return the cells that name a result: horizon, lag and model."""
    return [str(result.target.horizon), str(result.target.lag), result.model]


def group_starts(evaluation: Evaluation) -> frozenset[int]:
    """Return the rows at which a new target begins."""
    targets = [result.target for result in results(evaluation)]
    return frozenset(row for row in range(1, len(targets)) if targets[row] != targets[row - 1])


def untradable_rows(evaluation: Evaluation) -> frozenset[int]:
    """Return the rows of lag 0, which nobody could trade, where a later lag stands beside them."""
    if all(target.lag == 0 for target in evaluation.targets):
        return frozenset()
    return frozenset(row for row, result in enumerate(results(evaluation)) if result.target.lag == 0)


def best_cells(
    evaluation: Evaluation, figure: Callable[[PeriodEvaluation], float], column: int
) -> frozenset[tuple[int, int]]:
    """Return the cell of the best contestant of each target; none where nobody competes."""
    if len(evaluation.contestants) < 2:
        return frozenset()
    best: dict[Target, tuple[float, int]] = {}
    for row, result in enumerate(results(evaluation)):
        value = figure(result.whole)
        if result.model in evaluation.contestants and math.isfinite(value):
            best[result.target] = max(best.get(result.target, (-math.inf, -1)), (value, row))
    return frozenset((row, column) for _, row in best.values())
