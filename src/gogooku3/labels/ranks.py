"""Per-day rank targets: the label with the market's own moves and its fat tails taken out."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from gogooku3.axes import BoolLN, TargetLNT


def rank_targets(values: Float[np.ndarray, "L N T"], universe: BoolLN) -> TargetLNT:
    """Return ``(average rank - 0.5) / n - 0.5`` of each label among the day's universe.

    Args:
        values: Labels [L, N, T], NaN where there is none.
        universe: Membership [L, N]; only members with a label are ranked, n of them a day and target.

    Returns:
        float32 [L, N, T] in (-0.5, 0.5), ties sharing their average rank, mean 0 a day; NaN for names outside
        the universe and for those without a label.
    """
    result = np.full(values.shape, np.nan, dtype=np.float32)
    for day in range(len(values)):
        members = np.flatnonzero(universe[day])
        if members.size:
            result[day, members] = _uniform_ranks(values[day, members].T).T
    return result


def _uniform_ranks(rows: np.ndarray) -> np.ndarray:
    """Rank each row [T, n] by itself, NaN kept out."""
    order = np.argsort(rows, axis=1)  # NaN sorts last; the order within a tie does not matter
    ordered = np.take_along_axis(rows, order, axis=1)
    position = np.arange(rows.shape[1])
    changes = ordered[:, 1:] != ordered[:, :-1]
    edge = np.ones((len(rows), 1), dtype=np.bool_)
    opens, closes = np.hstack([edge, changes]), np.hstack([changes, edge])
    first = np.maximum.accumulate(np.where(opens, position, 0), axis=1)
    final = np.where(closes, position, rows.shape[1])
    last = np.minimum.accumulate(final[:, ::-1], axis=1)[:, ::-1]
    labelled = ~np.isnan(ordered)
    count = np.maximum(labelled.sum(axis=1, keepdims=True), 1)
    score = ((first + last) / 2 + 0.5) / count - 0.5  # positions are ranks less one
    result = np.empty(rows.shape, dtype=np.float64)
    np.put_along_axis(result, order, np.where(labelled, score, np.nan), axis=1)
    return result
