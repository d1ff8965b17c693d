"""How long the scores stay the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gogooku3.evaluation.anatomy.anatomy import Persistence
from gogooku3.evaluation.anatomy.ordered_grid import OrderedGrid, rank_correlation


def measure_persistence(
    score: OrderedGrid, *, distances: Sequence[int], min_names: int
) -> tuple[Persistence, ...]:
    """Return the mean rank correlation of scores with those of earlier sessions, over stocks scored on both.

    Args:
        score: Scores [D, N].
        distances: In sessions, rising.
        min_names: A session with fewer names that have both has no value.
    """
    return tuple(_points(score, distances, min_names))


def _points(score: OrderedGrid, distances: Sequence[int], min_names: int) -> Iterator[Persistence]:
    for distance in distances:
        values = np.empty(0)
        if distance < len(score.values):
            values = rank_correlation(score.rows(distance), score.rows(0, -distance), min_names=min_names)
        known = values[np.isfinite(values)]
        mean = float(known.mean()) if known.size else float("nan")
        yield Persistence(sessions=distance, correlation=mean, days=int(known.size))
