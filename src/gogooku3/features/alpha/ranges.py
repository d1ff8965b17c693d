"""Highest high and lowest low of a window, and when they were, seen from its last close."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.axes import FloatWN
from gogooku3.features.alpha.closes import TIE

RANGES = ("MAX", "MIN", "RSV", "IMAX", "IMIN", "IMXD")
"""What ``rolling_ranges`` returns, in order."""

_TILE = 64
_PRICE, _COUNT, _TOP, _TOP_AGE, _BOTTOM, _BOTTOM_AGE, _END = (k * _TILE for k in range(7))  # as in closes.py


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_ranges(back: FloatWN, high: FloatWN, low: FloatWN, window: int, need: int) -> np.ndarray:
    """Evaluate ``RANGES`` with the last close as the unit of price.

    Positions count sessions from the window's first, 1, to its last; of equal extremes the first one counts.

    Args:
        back: As for ``rolling_closes``.
        high: The day's high over its close, NaN where the stock has no bar.
        low: The day's low over its close, NaN where the stock has no bar.
        window: Sessions, d of the formulas.
        need: Bars that must be there.

    Returns:
        [len(RANGES), L, N]; NaN where the stock has no bar today.
    """
    length, width = back.shape[0] - window + 1, back.shape[1]
    out = np.empty((len(RANGES), length, width))
    for i in numba.prange(length):
        last = i + window - 1
        lanes = np.empty(_END)
        for start in range(0, width, _TILE):
            stocks = slice(start, min(start + _TILE, width))
            lanes[:] = 0.0
            lanes[:_COUNT] = 1.0
            lanes[_BOTTOM:_BOTTOM_AGE] = np.inf
            for j in range(window):
                _step(back[last - j, stocks], high[last - j, stocks], low[last - j, stocks], float(j), lanes)
            _finish(high[last, stocks], lanes, float(window), need, out[:, i, stocks])
    return out


@numba.njit(cache=True, error_model="numpy")
def _step(back: np.ndarray, high: np.ndarray, low: np.ndarray, age: float, lanes: np.ndarray) -> None:
    for n in range(back.shape[0]):
        top = lanes[_PRICE + n] * high[n]
        bottom = lanes[_PRICE + n] * low[n]
        most, least = lanes[_TOP + n], lanes[_BOTTOM + n]
        lanes[_PRICE + n] *= back[n]
        lanes[_COUNT + n] += 0.0 if np.isnan(top) else 1.0
        lanes[_TOP_AGE + n] = age if top >= most * (1.0 - TIE) else lanes[_TOP_AGE + n]
        lanes[_TOP + n] = top if top > most else most
        lanes[_BOTTOM_AGE + n] = age if bottom <= least * (1.0 + TIE) else lanes[_BOTTOM_AGE + n]
        lanes[_BOTTOM + n] = bottom if bottom < least else least


@numba.njit(cache=True, error_model="numpy")
def _finish(today: np.ndarray, lanes: np.ndarray, window: float, need: int, out: np.ndarray) -> None:
    for n in range(today.shape[0]):
        known = 1.0 if lanes[_COUNT + n] >= need and not np.isnan(today[n]) else np.nan
        top, bottom = lanes[_TOP + n] * known, lanes[_BOTTOM + n] * known
        since_top, since_bottom = lanes[_TOP_AGE + n], lanes[_BOTTOM_AGE + n]
        out[0, n] = top
        out[1, n] = bottom
        out[2, n] = (1.0 - bottom) / (top - bottom if top != bottom else 1.0)
        out[3, n] = (window - since_top) / window * known
        out[4, n] = (window - since_bottom) / window * known
        out[5, n] = (since_bottom - since_top) / window * known
