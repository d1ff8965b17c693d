"""Quantiles of the closes of a window, seen from its last one."""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from gogooku3.axes import FloatWN

_TILE = 64


def rolling_quantiles(
    back: FloatWN, bar: FloatWN, window: int, need: int, levels: tuple[float, ...]
) -> np.ndarray:
    """Quantiles of the window's closes with the last close as the unit, interpolated linearly.

    Args:
        back: As for ``rolling_closes``.
        bar: As for ``rolling_closes``.
        window: Sessions, d of the formulas.
        need: Closes that must be there.
        levels: Between 0 and 1.

    Returns:
        [len(levels), L, N]; NaN where the stock has no bar today.
    """
    return _rolling(back, bar, sorting_network(window), need, np.array(levels))


@cache
def sorting_network(size: int) -> np.ndarray:
    """Pairs of places, int64 [P, 2]: ordering each pair in turn sorts any ``size`` values.

    The same exchanges for all values let many stocks be sorted side by side by vector instructions.
    Source: Batcher (1968), merge exchange; Knuth, The Art of Computer Programming, 5.2.2, algorithm M.
    """
    pairs = []
    top = 1 << max(size - 1, 0).bit_length() >> 1
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(size - d) if i & p == r]
            if q == p:
                break
            q, r, d = q >> 1, p, q - p
        p >>= 1
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


@numba.njit(parallel=True, cache=True, error_model="numpy")
def _rolling(
    back: np.ndarray, bar: np.ndarray, pairs: np.ndarray, need: int, levels: np.ndarray
) -> np.ndarray:
    window = pairs.max() + 1
    length, width = back.shape[0] - window + 1, back.shape[1]
    out = np.empty((levels.shape[0], length, width))
    for i in numba.prange(length):
        last = i + window - 1
        price = np.empty(_TILE)
        count = np.empty(_TILE)
        values = np.empty((window, _TILE))
        for start in range(0, width, _TILE):
            stop = min(start + _TILE, width)
            price[:] = 1.0
            count[:] = 0.0
            values[:] = np.inf
            for j in range(window):
                _step(back[last - j, start:stop], bar[last - j, start:stop], price, count, values[j])
            _sort(values, pairs)
            for n in range(stop - start):
                known = count[n] >= need and not np.isnan(bar[last, start + n])
                count[n] = count[n] if known else 0.0
            _finish(count, values, levels, out[:, i, start:stop])
    return out


@numba.njit(cache=True, error_model="numpy")
def _step(
    back: np.ndarray, bar: np.ndarray, price: np.ndarray, count: np.ndarray, values: np.ndarray
) -> None:
    for n in range(back.shape[0]):
        now = price[n] * bar[n]
        values[n] = np.inf if np.isnan(now) else now
        count[n] += 0.0 if np.isnan(now) else 1.0
        price[n] *= back[n]


@numba.njit(cache=True, error_model="numpy")
def _sort(values: np.ndarray, pairs: np.ndarray) -> None:
    for k in range(pairs.shape[0]):
        first, second = values[pairs[k, 0]], values[pairs[k, 1]]
        for n in range(_TILE):
            a, b = first[n], second[n]
            first[n] = a if a < b else b
            second[n] = b if a < b else a


@numba.njit(cache=True, error_model="numpy")
def _finish(count: np.ndarray, values: np.ndarray, levels: np.ndarray, out: np.ndarray) -> None:
    for q in range(out.shape[0]):
        for n in range(out.shape[1]):
            if count[n] == 0.0:
                out[q, n] = np.nan
                continue
            place = levels[q] * (count[n] - 1.0)
            low = int(place)
            high = min(low + 1, int(count[n]) - 1)
            out[q, n] = values[low, n] + (place - low) * (values[high, n] - values[low, n])
