"""How long the ranking lasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gogooku3.axes import FloatDN
from gogooku3.evaluation.anatomy.anatomy import DecayPoint
from gogooku3.evaluation.anatomy.ordered_grid import OrderedGrid, ordered, rank_correlation
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import summarise


def measure_decay(
    score: OrderedGrid,
    label_of: Callable[[int], FloatDN | OrderedGrid],
    *,
    horizons: Sequence[int],
    settings: EvaluationSettings,
) -> tuple[DecayPoint, ...]:
    """Return the RankIC of the same score with the labels of other horizons.

    Args:
        score: Scores [D, N].
        label_of: Gives the labels [D, N] of a horizon, NaN where none; a caller with many scores can sort them
            once and give them ``ordered``.
        horizons: In sessions, rising.
        settings: How to judge.
    """
    points = []
    for horizon in horizons:
        label = label_of(horizon)
        label = label if isinstance(label, OrderedGrid) else ordered(label)
        values = rank_correlation(score, label, min_names=settings.min_names)
        points.append(
            DecayPoint(horizon=horizon, rank_ic=summarise(values, horizon=horizon, settings=settings))
        )
    return tuple(points)
