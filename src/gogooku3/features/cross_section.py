"""A feature's place among the day's universe, and its distance from the sector's mean."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatLN
from gogooku3.features import kernels
from gogooku3.features.beta import sector_mean
from gogooku3.features.registry import Feature


def rank_of(source: str) -> Feature:
    """The per-day rank of a feature, in [-0.5, 0.5] among the session's universe."""

    def function(x: FloatLN, universe: np.ndarray) -> FloatLN:
        return kernels.day_rank(x, universe)

    return Feature(
        name=f"{source}_rank",
        family="rank",
        inputs=(source, "universe"),
        window=1,
        function=function,
        meaning=f"per-day rank of {source} among the universe",
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
