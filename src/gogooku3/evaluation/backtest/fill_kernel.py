"""Compiled: which orders are filled."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.evaluation.backtest.kernel_types import Bars

OPEN_FOR_TRADE, HALTED, LOCKED = 0, 1, 2


@numba.njit(parallel=True, cache=True, error_model="numpy")
def fill_codes(bars: Bars, at_open: bool, limit_move: float) -> np.ndarray:
    """Return the fill code of every stock-day, uint8 [D, N]; ``limit_move`` is inf where nothing locks."""
    days, stocks = bars.link.shape
    code = np.empty((days, stocks), dtype=np.uint8)
    for d in numba.prange(days):
        for n in range(stocks):
            code[d, n] = OPEN_FOR_TRADE
            c, o, link = bars.close[d, n], bars.open_[d, n], bars.link[d, n]
            priced = c > 0 and (o > 0 or not at_open)
            if not (priced and np.isfinite(link) and bars.volume[d, n] > 0):
                code[d, n] = HALTED
            elif o == c and bars.high[d, n] == c and bars.low[d, n] == c:
                code[d, n] = LOCKED if abs(link - 1.0) >= limit_move else OPEN_FOR_TRADE
    return code
