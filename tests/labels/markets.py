"""Small markets built by hand or drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogooku3.market.endings import find_ends
from gogooku3.market.market import Market
from gogooku3.market.settings import MarketSettings

RULE = -0.3
"""What the rule says a holder received of a stock that ended."""


def market_of(
    close: np.ndarray,
    *,
    factor: np.ndarray | None = None,
    broken: Sequence[tuple[int, int]] = (),
    terminal: Sequence[float] | None = None,
    ended_after: int = 1000,
) -> Market:
    """A market whose other grids follow from the close; ``broken`` lists (session, stock)."""
    close = np.asarray(close, dtype=np.float64)
    sessions, stocks = close.shape
    marks = np.zeros(close.shape, dtype=np.bool_)
    for session, stock in broken:
        marks[session, stock] = True
    return Market(
        calendar="XTKS",
        sessions=np.datetime64("2020-01-06") + np.arange(sessions),
        codes=tuple(f"{1300 + n}" for n in range(stocks)),
        names=("",) * stocks,
        sector=np.full(stocks, -1, dtype=np.int16),
        sector_names=(),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.where(np.isfinite(close), 100.0, np.nan),
        turnover=close * 100.0,
        factor=np.where(np.isfinite(close), 1.0, np.nan) if factor is None else factor,
        broken=marks,
        ends=find_ends(
            np.isfinite(close),
            np.full(stocks, np.nan) if terminal is None else np.array(terminal, dtype=np.float64),
            MarketSettings(ended_after=ended_after, delisting_return=RULE),
        ),
    )


RANDOM_SILENCE = 2


def random_market(seed: int) -> Market:
    """Halts, holes, splits, listings, delistings (some with a known end), broken links."""
    rng = np.random.default_rng(seed)
    sessions, stocks = int(rng.integers(1, 30)), int(rng.integers(1, 7))
    close = np.exp(rng.normal(4, 0.3, (sessions, stocks)))
    close[rng.random(close.shape) < rng.choice([0.0, 0.1, 0.5])] = np.nan
    close[rng.random(sessions) < 0.1] = np.nan  # sessions the source lacks
    for stock in range(stocks):
        close[: rng.integers(0, sessions // 2 + 1), stock] = np.nan
        close[rng.integers(sessions // 2, sessions + 1) :, stock] = np.nan
    factor = np.where(
        np.isfinite(close), np.cumprod(rng.choice([1.0, 1.0, 0.5, 1.01], close.shape), axis=0), np.nan
    )
    factor[rng.random(close.shape) < 0.02] = np.nan
    terminal = np.where(rng.random(stocks) < 0.5, rng.choice([-1.0, -0.4, 0.0, 0.2], stocks), np.nan)
    marks = np.argwhere((rng.random(close.shape) < 0.05) & np.isfinite(close))
    broken = [(int(session), int(stock)) for session, stock in marks]
    return market_of(close, factor=factor, broken=broken, terminal=list(terminal), ended_after=RANDOM_SILENCE)
