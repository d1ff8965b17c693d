"""Features of links."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

from gogooku3.axes import FloatN, FloatWN

LEAD = 5
"""Sessions over which a neighbour's past return is summed: a session's news reaches others within some days."""

_ROWS = 256  # stocks that are taken at once


def same_sector(
    sector: Int64[np.ndarray, " N"], index: Int64[np.ndarray, "N k"]
) -> Float32[np.ndarray, "N k"]:
    """Return 1 where stock and neighbour are of one sector, else 0; -1 is no sector.

    Args:
        sector: Sector of each stock.
        index: Neighbours, -1 for none; what is said of them means nothing.
    """
    one: np.ndarray = (sector[index] == sector[:, None]) & (sector >= 0)[:, None]
    return one.astype(np.float32)


def relative_turnover(turnover: FloatN, index: Int64[np.ndarray, "N k"]) -> Float32[np.ndarray, "N k"]:
    """Return the log of the neighbour's value traded over the stock's.

    Args:
        turnover: Mean value traded of each stock a session, NaN where it is not known, which counts as equal.
        index: Neighbours, -1 for none; what is said of them means nothing.
    """
    size = np.log1p(turnover)
    relative = size[index] - size[:, None]
    return np.where(np.isfinite(relative), relative, 0.0).astype(np.float32)


def lead(returns: FloatWN, index: Int64[np.ndarray, "N k"]) -> Float32[np.ndarray, "N k"]:
    """Return the correlation of a stock's return with what its neighbour returned in the ``LEAD`` sessions before.

    A missing return counts as the stock's mean of the window. 0 where a side does not vary or the window is too short.

    Args:
        returns: NaN where there is none, [W, N].
        index: Neighbours, -1 for none; what is said of them means nothing.
    """
    result = np.zeros(index.shape, dtype=np.float32)
    if len(returns) <= LEAD + 1:
        return result
    seen = np.isfinite(returns)
    held = np.where(seen, returns, 0.0)
    x = np.where(seen, returns - held.sum(axis=0) / np.maximum(seen.sum(axis=0), 1), 0.0)
    sums = np.cumsum(np.concatenate([np.zeros_like(x[:1]), x]), axis=0)
    before = _standardised(sums[LEAD:-1] - sums[: -LEAD - 1])
    now = _standardised(x[LEAD:])
    for first in range(0, len(index), _ROWS):
        rows = slice(first, first + _ROWS)
        result[rows] = (before[index[rows]] @ now[rows, :, None])[..., 0]
    return result


def _standardised(x: FloatWN) -> Float32[np.ndarray, "N W"]:
    """Return each column as a row of mean 0 and length 1, or 0 where it does not vary."""
    centred = x - x.mean(axis=0)
    length = np.sqrt((centred * centred).sum(axis=0))
    centred /= np.where(length > 0.0, length, 1.0)
    return np.ascontiguousarray(centred.T, dtype=np.float32)
