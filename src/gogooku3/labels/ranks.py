"""Per-day rank targets: the label with the market's own moves and its fat tails taken out."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from gogooku3.axes import BoolLN, TargetLNT
from gogooku3.ranks import average_ranks


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
            ranks = average_ranks(values[day, members].T)
            count = np.maximum((~np.isnan(ranks)).sum(axis=1, keepdims=True), 1)
            result[day, members] = ((ranks - 0.5) / count - 0.5).T
    return result
