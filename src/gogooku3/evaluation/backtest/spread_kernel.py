"""Compiled: moments of the spread's estimator, summed over blocks of sessions."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.evaluation.backtest.kernel_types import Bars

_CHUNK = 256  # stocks whose running sums stay in the cache
_MOMENTS = 16


@numba.njit(parallel=True, cache=True, error_model="numpy")
def squared_spreads(bars: Bars, step: int, blocks: int, least: int) -> np.ndarray:
    """Return the squared spread from ``blocks`` blocks of ``step`` sessions before each block, [B, N].

    Row b is made of sessions [(b - blocks) * step, b * step) and may be negative; NaN with fewer than ``least``
    pairs of bars, or without any in which the price moved.
    """
    days, stocks = bars.close.shape
    rows = (days + step - 1) // step
    out = np.empty((rows, stocks))
    for chunk in numba.prange((stocks + _CHUNK - 1) // _CHUNK):
        first, last = chunk * _CHUNK, min(stocks, (chunk + 1) * _CHUNK)
        size = last - first
        ring = np.zeros((blocks, _MOMENTS, size))
        previous = np.full((3, size), np.nan)
        for b in range(rows):
            _estimate(ring, least, out[b, first:last])
            ring[b % blocks] = 0.0
            for d in range(b * step, min(days, (b + 1) * step)):
                _add(bars, d, first, previous, ring[b % blocks])
    return out


@numba.njit(cache=True, error_model="numpy")
def _add(bars: Bars, d: int, first: int, previous: np.ndarray, sums: np.ndarray) -> None:
    """Add one session's moments; ``previous`` holds log high, low, close of each stock's last bar, [3, n]."""
    for i in range(sums.shape[1]):
        n = first + i
        if not (bars.close[d, n] > 0 and bars.open_[d, n] > 0 and bars.high[d, n] > 0 and bars.low[d, n] > 0):
            continue
        o, c = np.log(bars.open_[d, n]), np.log(bars.close[d, n])
        h, low = np.log(bars.high[d, n]), np.log(bars.low[d, n])
        ratio = bars.ratio[d, n]
        if ratio > 0 and np.isfinite(previous[2, i]):
            shift = np.log(ratio) if ratio != 1.0 else 0.0
            h1, l1, c1 = previous[0, i] - shift, previous[1, i] - shift, previous[2, i] - shift
            moved = 0.0 if ratio == 1.0 and h == low and low == c1 else 1.0
            m, m1 = 0.5 * (h + low), 0.5 * (h1 + l1)
            r1, r2, r3, r4, r5 = m - o, o - m1, m - c1, c1 - m1, o - c1
            sums[0, i] += 1.0
            sums[1, i] += moved
            sums[2, i] += moved * ((1.0 if o != h else 0.0) + (1.0 if o != low else 0.0))
            flat_high, flat_low = previous[2, i] == previous[0, i], previous[2, i] == previous[1, i]
            sums[3, i] += moved * ((0.0 if flat_high else 1.0) + (0.0 if flat_low else 1.0))
            sums[4, i] += r1
            sums[5, i] += r3
            sums[6, i] += r5
            sums[7, i] += r1 * r2
            sums[8, i] += r3 * r4
            sums[9, i] += r1 * r5
            sums[10, i] += r5 * r4
            sums[11, i] += moved * r2
            sums[12, i] += moved * r4
            sums[13, i] += moved * r5
        previous[0, i], previous[1, i], previous[2, i] = h, low, c


@numba.njit(cache=True, error_model="numpy")
def _estimate(ring: np.ndarray, least: int, out: np.ndarray) -> None:
    """Write the squared spreads of the sums over all blocks."""
    total = np.zeros(ring.shape[1])
    for i in range(out.shape[0]):
        for j in range(ring.shape[1]):
            total[j] = 0.0
            for b in range(ring.shape[0]):
                total[j] += ring[b, j, i]
        pairs, moved, opens, closes = total[0], total[1], total[2], total[3]
        out[i] = np.nan
        if pairs < least or moved < 2 or opens == 0 or closes == 0:
            continue
        first = -4.0 / opens * (total[7] - total[4] / moved * total[11])
        first -= 4.0 / closes * (total[8] - total[5] / moved * total[12])
        second = -4.0 / opens * (total[9] - total[4] / moved * total[13])
        second -= 4.0 / closes * (total[10] - total[6] / moved * total[12])
        out[i] = 0.5 * (first + second)
