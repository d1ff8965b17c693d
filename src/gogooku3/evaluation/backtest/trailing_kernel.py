"""Compiled: volatility and average turnover of the sessions before each session."""

from __future__ import annotations

import numba
import numpy as np

_CHUNK = 256  # stocks whose running sums stay in the cache


@numba.njit(parallel=True, cache=True, error_model="numpy")
def trailing(
    link: np.ndarray, turnover: np.ndarray, held: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the volatility and the average turnover of sessions [d - window, d), both [D, N].

    Args:
        link: Gross returns [D, N], NaN where none.
        turnover: Value traded [D, N]; whole currency units, so that running sums are exact.
        held: True on sessions on which anyone has a bar, [D].
        window: Sessions.
    """
    days, stocks = link.shape
    sigma = np.empty((days, stocks))
    average = np.empty((days, stocks))
    least = window // 2
    for chunk in numba.prange((stocks + _CHUNK - 1) // _CHUNK):
        low, high = chunk * _CHUNK, min(stocks, (chunk + 1) * _CHUNK)
        size = high - low
        total, square, count, value = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
        sessions = 0
        for d in range(days):
            for i in range(size):
                k = count[i]
                spread = (square[i] - total[i] * total[i] / k) / (k - 1)
                sigma[d, low + i] = np.sqrt(max(spread, 0.0)) if k >= least else np.nan
                average[d, low + i] = value[i] / sessions if sessions >= least else np.nan
            for row, sign in ((d, 1.0), (d - window, -1.0)):
                if row < 0:
                    continue
                sessions += int(sign) if held[row] else 0
                for i in range(size):
                    gross = link[row, low + i]
                    if gross > 0:
                        move = np.log(gross)
                        total[i] += sign * move
                        square[i] += sign * move * move
                        count[i] += sign
                    traded = turnover[row, low + i]
                    value[i] += sign * np.rint(traded) if np.isfinite(traded) else 0.0
    return sigma, average


@numba.njit(parallel=True, cache=True, error_model="numpy")
def fill_dear(grid: np.ndarray, share: float) -> None:
    """Give unknown and zero cells the quantile ``share`` of their session's known ones, NaN without any."""
    for d in numba.prange(grid.shape[0]):
        row = grid[d]
        unknown = ~(row > 0)
        if unknown.any():
            known = row[~unknown]
            row[unknown] = np.quantile(known, share) if known.size else np.nan
