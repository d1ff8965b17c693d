"""The fields that the market gives every feature: ratios only, so that no scale of prices is ever seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolDN, FloatDN
from gogooku3.market.market import Market

BASE_FIELDS = frozenset(
    {
        "loglink",
        "overnight",
        "intraday",
        "log_high",
        "log_low",
        "turnover",
        "volume",
        "present",
        "universe",
        "sector",
    }
)


@dataclass(frozen=True, eq=False)
class Fields:
    """Base fields of a market on its full session axis.

    Attributes:
        grids: Name to [D, N]; ``sector`` is [N].
    """

    grids: dict[str, np.ndarray]

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Return sessions [start, stop) of a field; rows before the first session are missing (NaN, False)."""
        grid = self.grids[name]
        if grid.ndim == 1:
            return grid
        kept = grid[max(start, 0) : stop]
        if start >= 0:
            return kept
        missing = np.full((-start, grid.shape[1]), False if grid.dtype == bool else np.nan, dtype=grid.dtype)
        return np.concatenate([missing, kept])


def base_fields(market: Market, universe: BoolDN) -> Fields:
    """Compute the base fields: logs of ratios within a day and between neighbouring bars, and the value traded."""

    def log(x: FloatDN) -> FloatDN:
        return np.log(x)

    return Fields(
        {
            "loglink": log(market.link),
            "overnight": log(market.overnight),
            "intraday": log(market.close / market.open),
            "log_high": log(market.high / market.open),
            "log_low": log(market.low / market.open),
            "turnover": market.turnover,
            "volume": market.volume
            / market.factor,  # shares of one size, whatever was split; a scale per stock
            "present": market.present,
            "universe": universe,
            "sector": market.sector.astype(np.int64),
        }
    )
