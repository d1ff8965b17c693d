"""What is known of the stocks besides their scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolDN, FloatDN, Int16N
from gogooku3.errors import EvaluationError


@dataclass(frozen=True, eq=False, kw_only=True)
class MarketView:
    """Universe, sectors and styles on the grids of the tested period, as of each session.

    Attributes:
        universe: Membership, [D, N].
        sector: Index into ``sector_names``, -1 where unknown, int16 [N].
        sector_names: Names of the sectors.
        size: What stands for size, NaN where unknown, [D, N].
        beta: Slope on the equal-weighted universe, NaN where unknown, [D, N].
        volatility: Standard deviation of daily log returns, NaN where unknown, [D, N].
        size_is: What stands for size, in words.

    Raises:
        EvaluationError: Grids are not aligned, or a sector has no name.
    """

    universe: BoolDN
    sector: Int16N
    sector_names: tuple[str, ...]
    size: FloatDN
    beta: FloatDN
    volatility: FloatDN
    size_is: str

    def __post_init__(self) -> None:
        shape = self.universe.shape
        found = {name: getattr(self, name).shape for name in ("size", "beta", "volatility")}
        if set(found.values()) != {shape} or self.sector.shape != shape[1:]:
            raise EvaluationError(
                "grids are not aligned", got={**found, "sector": self.sector.shape}, expected=shape
            )
        if self.sector.size and not -1 <= self.sector.min() <= self.sector.max() < len(self.sector_names):
            raise EvaluationError(
                "a sector has no name",
                got=f"index {np.unique(self.sector)}",
                expected=f"-1 or below {len(self.sector_names)}",
            )

    @property
    def styles(self) -> tuple[FloatDN, FloatDN, FloatDN]:
        """Size, beta and volatility."""
        return self.size, self.beta, self.volatility
