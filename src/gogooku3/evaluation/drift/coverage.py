"""How much of the universe has a score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatD, FloatDN, IntD
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.settings import DriftSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Coverage:
    """Share of each session's universe that has a score.

    Attributes:
        name: Name of the scores.
        share: NaN where the universe is empty, [D].
        members: Stocks of each session's universe, [D].
    """

    name: str
    share: FloatD
    members: IntD

    def low(self, settings: DriftSettings) -> IntD:
        """Return the rows of the sessions below ``settings.min_coverage``; an empty universe is one of them."""
        rows: IntD = np.flatnonzero(~(self.share >= settings.min_coverage)).astype(np.int64)
        return rows

    def alarm(self, settings: DriftSettings) -> DriftAlarm | None:
        """Return an alarm where any session is below."""
        low = self.low(settings)
        if not low.size:
            return None
        shares = np.nan_to_num(self.share[low], nan=0.0)  # of an empty universe nothing is covered
        worst = float(shares.min())
        return DriftAlarm(
            kind="coverage",
            name=self.name,
            seen=worst,
            threshold=settings.min_coverage,
            text=(
                f"{self.name} scores less than {settings.min_coverage:.0%} of the universe on {low.size} of "
                f"{len(self.share)} sessions, {worst:.0%} on the worst."
            ),
        )


def coverage(score: FloatDN, universe: np.ndarray, *, name: str) -> Coverage:
    """Measure the coverage of scores.

    Args:
        score: Scores, NaN where none, [D, N].
        universe: Membership, bool [D, N].
        name: Name of the scores.

    Raises:
        EvaluationError: The shapes differ.
    """
    if score.shape != universe.shape:
        raise EvaluationError(
            "scores and universe are not aligned", where=name, got=score.shape, expected=universe.shape
        )
    members = universe.sum(axis=1).astype(np.int64)
    share = np.full(len(members), np.nan)
    np.divide((universe & ~np.isnan(score)).sum(axis=1), members, out=share, where=members > 0)
    return Coverage(name=name, share=share, members=members)
