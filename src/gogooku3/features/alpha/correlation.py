"""Correlation over a window, of chained prices or of plain quantities."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.axes import FloatLN, FloatWN

FLAT = 2e-5
"""A standard deviation up to this counts as none in the published correlation."""

_TILE = 64
_UNIT, _FIRST_X, _FIRST_Y, _COUNT, _X = (k * _TILE for k in range(5))  # as in closes.py
_Y, _XX, _YY, _XY, _END = (k * _TILE for k in range(5, 10))


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_correlation(
    back: FloatWN, x: FloatWN, y: FloatWN, window: int, least: tuple[int, float, float]
) -> FloatLN:
    """Correlation of ``x``, chained back from the window's end, with ``y`` where both exist.

    Args:
        back: Factor that carries the unit of ``x`` to the session before, as for ``rolling_closes``; 1 everywhere
            for an ``x`` that needs no chaining.
        x: First quantity in the unit of its session.
        y: Second quantity.
        window: Sessions.
        least: Pairs that must be there, and the standard deviations (ddof 1) that the chained ``x`` and ``y`` have
            to exceed.

    Returns:
        [L, N]; NaN where either does not move.
    """
    length, width = x.shape[0] - window + 1, x.shape[1]
    out = np.empty((length, width))
    for i in numba.prange(length):
        last = i + window - 1
        lanes = np.empty(_END)
        for start in range(0, width, _TILE):
            stocks = slice(start, min(start + _TILE, width))
            lanes[:] = 0.0
            lanes[:_FIRST_X] = 1.0
            for j in range(window):
                _step(back[last - j, stocks], x[last - j, stocks], y[last - j, stocks], lanes)
            _finish(lanes, least, out[i, stocks])
    return out


@numba.njit(cache=True, error_model="numpy")
def _step(back: np.ndarray, x: np.ndarray, y: np.ndarray, lanes: np.ndarray) -> None:
    """Sum up distances from the window's latest pair, which keep digits that raw sums would lose."""
    for n in range(back.shape[0]):
        a, b = lanes[_UNIT + n] * x[n], y[n]
        missing = np.isnan(a + b)
        first = lanes[_COUNT + n] == 0.0
        first_a = a if first else lanes[_FIRST_X + n]
        first_b = b if first else lanes[_FIRST_Y + n]
        a = 0.0 if missing else a - first_a
        b = 0.0 if missing else b - first_b
        lanes[_UNIT + n] *= back[n]
        lanes[_FIRST_X + n] = first_a
        lanes[_FIRST_Y + n] = first_b
        lanes[_COUNT + n] += 0.0 if missing else 1.0
        lanes[_X + n] += a
        lanes[_Y + n] += b
        lanes[_XX + n] += a * a
        lanes[_YY + n] += b * b
        lanes[_XY + n] += a * b


@numba.njit(cache=True, error_model="numpy")
def _finish(lanes: np.ndarray, least: tuple[int, float, float], out: np.ndarray) -> None:
    for n in range(out.shape[0]):
        count, a, b = lanes[_COUNT + n], lanes[_X + n], lanes[_Y + n]
        freedom = count * (count - 1.0)
        aa = max(count * lanes[_XX + n] - a * a, 0.0)
        bb = max(count * lanes[_YY + n] - b * b, 0.0)
        moves = np.sqrt(aa / freedom) > least[1] and np.sqrt(bb / freedom) > least[2]
        known = count >= least[0] and moves
        out[n] = (count * lanes[_XY + n] - a * b) / np.sqrt(aa * bb) if known else np.nan
