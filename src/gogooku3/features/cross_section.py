"""A feature's place among the day's universe, and its distance from the sector's mean."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatLN, FloatWN
from gogooku3.features import kernels
from gogooku3.features.beta import sector_mean
from gogooku3.features.helpers import mean_of
from gogooku3.features.registry import Feature


def rank_of(source: str) -> Feature:
    """The per-day rank of a feature, in [-0.5, 0.5] among the session's universe; an intermediate.

    Models rank every feature by session anyway, so a plain rank would be the same column twice; what is exported is
    made of ranks over time.
    """

    def function(x: FloatLN, universe: np.ndarray) -> FloatLN:
        return kernels.day_rank(x, universe)

    return Feature(
        name=f"{source}_rank",
        family="field",
        inputs=(source, "universe"),
        window=1,
        function=function,
        meaning=f"per-day rank of {source} among the universe",
    )


def rank_mean(source: str, window: int) -> Feature:
    """The mean per-day rank over a window: how the stock stood among the others, whatever the size of moves."""
    return mean_of(
        f"{source}_rank_mean_{window}",
        "rank",
        f"{source}_rank",
        window,
        f"mean per-day rank of {source} over {window} sessions",
    )


def rank_change(source: str, sessions: int) -> Feature:
    """The per-day rank now minus that of some sessions ago."""

    def function(rank: FloatWN) -> FloatLN:
        return rank[sessions:] - rank[: len(rank) - sessions]

    return Feature(
        name=f"{source}_rank_change_{sessions}",
        family="rank",
        inputs=(f"{source}_rank",),
        window=sessions + 1,
        function=function,
        meaning=f"change of the per-day rank of {source} over {sessions} sessions",
    )


def sector_relative(source: str) -> Feature:
    """A feature minus its mean over the universe of the stock's sector."""

    def function(x: FloatLN, universe: np.ndarray, sector: np.ndarray) -> FloatLN:
        return x - sector_mean(x, universe, sector)

    return Feature(
        name=f"{source}_sector",
        family="sector",
        inputs=(source, "universe", "sector"),
        window=1,
        function=function,
        meaning=f"{source} against the mean of its sector",
    )
