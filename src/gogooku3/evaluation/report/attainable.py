"""The RankIC that nobody can exceed, where it is known."""

from __future__ import annotations

from collections.abc import Mapping

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.labels.target import Target


def attainable_rank_ic(evaluation: Evaluation, given: Mapping[Target, float] | None) -> dict[Target, float]:
    """Return the attainable RankIC per target: measured on the benchmark's scores, else as given."""
    known = dict(given or {})
    for target in evaluation.targets:
        result = evaluation.find(evaluation.settings.attainable, target)
        if result is not None:
            known[target] = result.whole.rank_ic.mean
    return known
