"""Small markets with sectors that move together, and panels of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.labels.target import Target
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment import Segment
from gogooku3.panel.stocks import bare_stocks
from gogooku3.panel.writer import PanelWriter

FIELDS = ("link", "turnover")


@dataclass(frozen=True, eq=False, kw_only=True)
class Small:
    """D sessions by N stocks; a stock without a bar is NaN in both grids."""

    codes: tuple[str, ...]
    sectors: tuple[str, ...]
    returns: np.ndarray
    turnover: np.ndarray
    universe: np.ndarray

    @property
    def present(self) -> np.ndarray:
        return np.isfinite(self.turnover)

    def until(self, sessions: int) -> Small:
        """The market as it was known then: no stock that came later."""
        held = np.flatnonzero(self.present[:sessions].any(axis=0))
        return replace(
            self,
            codes=tuple(self.codes[n] for n in held),
            sectors=tuple(self.sectors[n] for n in held),
            returns=self.returns[:sessions, held],
            turnover=self.turnover[:sessions, held],
            universe=self.universe[:sessions, held],
        )


def small(seed: int = 0, sessions: int = 60, stocks: int = 14) -> Small:
    """A market with gaps, a late listing, an early end, and stocks with bars that are not in the universe."""
    rng = np.random.default_rng(seed)
    sector = np.arange(stocks) % 4
    common = rng.normal(size=(sessions, 4))[:, sector] + 0.7 * rng.normal(size=(sessions, 1))
    returns = 0.01 * (common + rng.normal(size=(sessions, stocks)))
    turnover = np.exp(rng.normal(18, 2, stocks) + 0.3 * rng.normal(size=(sessions, stocks)))
    absent = rng.random((sessions, stocks)) < 0.05
    absent[: sessions // 2, 2] = True
    absent[2 * sessions // 3 :, 5] = True
    absent[:, :2] = False
    for grid in (returns, turnover):
        grid[absent] = np.nan
    returns[sessions // 3, 6] = np.nan  # a broken link
    universe = ~absent & (np.cumsum(~absent, axis=0) > 8) & (rng.random((sessions, stocks)) < 0.95)
    universe[:, 9] = False
    return Small(
        codes=tuple(f"{1000 + 10 * n}" for n in range(stocks)),
        sectors=tuple("" if n == 3 else f"sector {s}" for n, s in enumerate(sector)),
        returns=returns,
        turnover=turnover,
        universe=universe,
    )


def panel_of(market: Small, folder: Path, *, length: int = 25, fields: Sequence[str] = FIELDS) -> Panel:
    """Write a market as a panel of segments with stock axes of their own, and open it."""
    axes = PanelAxes(("f0",), (Target(1, 0),), tuple(fields), "XTKS")
    stocks = bare_stocks(market.codes).with_columns(
        pl.Series("sector", [s or None for s in market.sectors], dtype=pl.String)
    )
    with PanelWriter(folder, axes, stocks, {"source": "test"}) as writer:
        for start in range(0, len(market.returns), length):
            writer.add(_segment(market, slice(start, start + length), fields, start))
    return open_panel(folder)


def _segment(market: Small, rows: slice, fields: Sequence[str], start: int) -> Segment:
    held = np.flatnonzero(market.present[rows].any(axis=0))
    present = market.present[rows][:, held]
    grids = {"link": np.exp(market.returns), "turnover": market.turnover}
    empty = np.full((*present.shape, 1), np.nan, dtype=np.float32)
    return Segment(
        sessions=np.datetime64("2020-01-06", "D") + start + np.arange(len(present)),
        codes=tuple(market.codes[n] for n in held),
        features=empty,
        present=present,
        universe=market.universe[rows][:, held],
        targets=empty,
        target_ranks=empty,
        fields={name: grids[name][rows][:, held].copy() for name in fields},
    )
