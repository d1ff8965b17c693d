"""Trained members of one model as a scorer of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from gogooku3.panel.panel import Panel
from gogooku3.scoring.fitted import Fitted
from gogooku3.scoring.rank_kernel import rank_columns

MemberScores = Float32[np.ndarray, "S R T"]
Scores = Float32[np.ndarray, "R T"]


@runtime_checkable
class Scorer(Protocol):
    """The members of a model, one a seed."""

    def members(self, panel: Panel, session: int) -> MemberScores:
        """Return every member's raw scores of a session's universe, in the order of the panel's stocks [S, R, T]."""

    def combine(self, scores: MemberScores) -> Scores:
        """Return one score of each stock of one session from those of the members [R, T]."""


class RowScorer:
    """Members that score stock-days one by one, from their ranks on the day."""

    def __init__(self, fitted: Sequence[Fitted]) -> None:
        self.fitted = tuple(fitted)

    def members(self, panel: Panel, session: int) -> MemberScores:
        """Return every member's raw scores [S, R, T]."""
        (block,) = panel.blocks(session, session + 1)
        member = np.flatnonzero(block.universe[0])
        x = rank_columns(block.features[0][member].astype(np.float32, copy=False))
        return np.stack([fitted.predict(x) for fitted in self.fitted])

    def combine(self, scores: MemberScores) -> Scores:
        """Return the mean of the members' scores, which are on one scale."""
        mean: Scores = scores.mean(axis=0, dtype=np.float64).astype(np.float32)
        return mean


def mean_rank(scores: MemberScores) -> Scores:
    """Return the mean over members of each score's rank within one session, in (-0.5, 0.5) [R, T].

    The loss of deep models looks at order and relative distance alone, so that members have scales of their own.
    A single member keeps its scores.
    """
    if len(scores) == 1:
        own: Scores = scores[0]
        return own
    ranks = np.stack([rank_columns(np.ascontiguousarray(member)) for member in scores])
    mean: Scores = ranks.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
