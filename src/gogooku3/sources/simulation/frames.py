"""The simulated grids as the tables that every source delivers."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogooku3.market.bars import Bars
from gogooku3.sources.simulation.life import Life
from gogooku3.sources.simulation.prices import PriceGrids
from gogooku3.sources.simulation.stocks import Stocks


def make_bars(stocks: Stocks, life: Life, prices: PriceGrids, sessions: np.ndarray) -> Bars:
    """Return listing, delistings and bars: one row a stock and traded session, sorted by date and code."""
    session, stock = np.nonzero(life.present)
    codes = pl.Series("code", stocks.codes, dtype=pl.String)
    sectors = pl.Series("sector", [f"Sector {index + 1:02d}" for index in stocks.sector], dtype=pl.String)
    grids = ("open", "high", "low", "close", "volume")
    frame = pl.DataFrame(
        {
            "date": sessions[session],
            "code": codes.gather(stock),
            **{name: getattr(prices, name)[life.present] for name in grids},
            "adj_factor": prices.factor[life.present],
            "sector": sectors.gather(stock),
        }
    )
    names = [f"Simulated {code}" for code in stocks.codes]
    return Bars(
        frame=frame,
        listing=pl.DataFrame({"code": codes, "name": pl.Series(names, dtype=pl.String), "sector": sectors}),
        delistings=_delistings(codes, life, sessions),
    )


def _delistings(codes: pl.Series, life: Life, sessions: np.ndarray) -> pl.DataFrame:
    gone = np.flatnonzero(np.isfinite(life.terminal_return))
    return pl.DataFrame(
        {
            "code": codes.gather(gone),
            "last_session": sessions[life.last[gone]],
            "terminal_return": life.terminal_return[gone],
        }
    )
