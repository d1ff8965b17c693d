"""A model's daily RankIC: of its score, of its members' scores, and of its score without each member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gogooku3.axes import BoolDN, FloatD, FloatDN
from gogooku3.evaluation.rank_ic import daily_rank_ic

_FloatKD = Float64[np.ndarray, "K D"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RankSeries:
    """Daily RankIC on the same stock-days; K members, 0 of a deterministic model.

    Attributes:
        values: Of the score that is used, the mean of the members' scores, NaN where there is none, [D].
        members: Of each member's score, [K, D].
        without: Of the mean of the other members' scores, [K, D].
    """

    values: FloatD
    members: _FloatKD
    without: _FloatKD

    @property
    def seeds(self) -> int:
        """Number of members."""
        return len(self.members)


def rank_series(
    score: FloatDN, members: Sequence[FloatDN], label: FloatDN, keep: BoolDN, *, min_names: int
) -> RankSeries:
    """Measure a model on the stock-days in ``keep``.

    Args:
        score: The score that is used, NaN where none, [D, N].
        members: Scores of its members, each [D, N]; none for a deterministic model.
        label: Labels, NaN where none, [D, N].
        keep: Stock-days that count, [D, N].
        min_names: A session with fewer names has no value.

    Raises:
        EvaluationError: Shapes differ, or a score is infinite or constant on every session.
    """
    kept = np.where(keep, label, np.nan)

    def daily(grid: FloatDN) -> FloatD:
        return daily_rank_ic(grid, kept, min_names=min_names).values

    others = []
    if len(members) > 1:
        total = np.sum(members, axis=0)
        others = [daily((total - member) / (len(members) - 1)) for member in members]
    empty = np.empty((0, len(label)))
    return RankSeries(
        values=daily(score),
        members=np.array([daily(member) for member in members]) if members else empty,
        without=np.array(others) if others else empty,
    )
