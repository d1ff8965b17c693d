"""The rank information coefficient."""

from __future__ import annotations

from gogooku3.axes import FloatDN
from gogooku3.evaluation.daily_correlation import DailyCorrelation, correlate


def daily_rank_ic(score: FloatDN, label: FloatDN, *, min_names: int = 20) -> DailyCorrelation:
    """Return Spearman's correlation of each session over the names that have both, ties by average rank.

    Args:
        score: Scores [D, N], NaN where none.
        label: Labels [D, N], NaN where none.
        min_names: A session with fewer names has no value.

    Raises:
        EvaluationError: Shapes differ, a value is infinite, or the score is constant on every session.
    """
    return correlate(score, label, min_names=min_names, ranked=True)
