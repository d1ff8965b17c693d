"""A book year by year."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gogooku3.axes import FloatD
from gogooku3.evaluation.portfolio_summary import max_drawdown
from gogooku3.evaluation.trading.trading import BookYear


def book_years(sessions: np.ndarray, net: FloatD, *, sessions_per_year: float) -> tuple[BookYear, ...]:
    """Return each calendar year's figures; NaN where nothing was traded.

    Args:
        sessions: datetime64[D] array, in order, [D].
        net: Daily net returns, NaN before the first trade, [D].
        sessions_per_year: For the scale.
    """
    return tuple(_years(sessions, net, sessions_per_year))


def _years(sessions: np.ndarray, net: FloatD, per_year: float) -> Iterator[BookYear]:
    years = sessions.astype("datetime64[Y]")
    for year in np.unique(years):
        rows = years == year
        known = net[rows & np.isfinite(net)]
        sd = float(known.std(ddof=1)) if known.size > 1 else 0.0
        mean = float(known.mean()) if known.size else float("nan")
        yield BookYear(
            year=str(year),
            net_annual=mean * per_year,
            sharpe_annual=mean / sd * math.sqrt(per_year) if sd > 0 else float("nan"),
            max_drawdown=max_drawdown(net[rows]),
        )
