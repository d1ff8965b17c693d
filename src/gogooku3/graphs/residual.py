"""What market and sector leave of a window's returns."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from gogooku3.axes import FloatWN

_SECTOR_SIZE = 3  # stocks below which a mean would be mostly the stock itself


def market_residual(returns: FloatWN) -> FloatWN:
    """Return the residuals of each stock's regression on the mean of all, with intercept, over the window's sessions.

    Args:
        returns: Log returns, NaN where there is none, [W, N].

    Returns:
        float64 [W, N], NaN where there is no return. The correlation of two columns without gaps is the partial
        correlation of the two stocks given the market.
    """
    seen = np.isfinite(returns)
    held = np.where(seen, returns, 0.0)
    market = (held.sum(axis=1) / np.maximum(seen.sum(axis=1), 1))[:, None]
    count = np.maximum(seen.sum(axis=0), 1)
    x = np.where(seen, market - np.where(seen, market, 0.0).sum(axis=0) / count, 0.0)
    y = np.where(seen, returns - held.sum(axis=0) / count, 0.0)
    spread = (x * x).sum(axis=0)
    slope = (x * y).sum(axis=0) / np.where(spread > 0.0, spread, 1.0)
    return np.where(seen, y - slope * x, np.nan)


def sector_residual(returns: FloatWN, sector: Int64[np.ndarray, " N"]) -> FloatWN:
    """Return what the market leaves, less each session's mean of it over the stocks of the sector.

    Stocks without a sector, or in one of fewer than three stocks, keep what the market leaves.

    Args:
        returns: Log returns, NaN where there is none, [W, N].
        sector: Number of each stock's sector, -1 for none.

    Returns:
        float64 [W, N], NaN where there is no return.
    """
    left = market_residual(returns)
    for number in range(int(sector.max(initial=-1)) + 1):
        mine = np.flatnonzero(sector == number)
        if len(mine) >= _SECTOR_SIZE:
            part = left[:, mine]
            seen = np.isfinite(part)
            total = np.where(seen, part, 0.0).sum(axis=1, keepdims=True)
            left[:, mine] = part - total / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    return left
