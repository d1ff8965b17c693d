"""Level, trend and moves of the closes, seen from the window's last one."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.axes import FloatWN

CLOSES = ("ROC", "MA", "STD", "BETA", "RSQR", "RESI", "RANK", "CNTP", "CNTN", "CNTD", "SUMP", "SUMN", "SUMD")
"""What ``rolling_closes`` returns, in order."""

TIE = 1e-11
"""Prices closer than this share are the same price: chaining 60 returns errs by 1e-14, a tick is 1e-8 or more."""

_TILE = 64
# Running sums of a tile's stocks lie in one array at fixed places: only then does the compiler see that they do not
# overlap, and vectorises the walk (three times faster than with an array each).
_PRICE, _COUNT, _AGE, _AGE2, _GAP, _GAP2, _CROSS = (k * _TILE for k in range(7))
_BELOW, _EQUAL, _MOVES, _RISES, _FALLS, _GAIN, _LOSS, _END = (k * _TILE for k in range(7, 15))


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_closes(back: FloatWN, bar: FloatWN, window: int, need: int) -> np.ndarray:
    """Evaluate ``CLOSES`` with the last close as the unit of price, all in one walk back over the window.

    Args:
        back: Factor that leads from a session's close to the close before it: 1 where the stock has no bar, NaN
            where it has one but the return is unknown, which ends the walk.
        bar: 1 where the stock has a bar, else NaN.
        window: Sessions, d of the formulas. Moves and ROC reach the close before the window.
        need: Closes, and moves, that must be there.

    Returns:
        [len(CLOSES), L, N]; NaN where the stock has no bar today.
    """
    length, width = back.shape[0] - window + 1, back.shape[1]
    out = np.empty((len(CLOSES), length, width))
    for i in numba.prange(length):
        last = i + window - 1
        lanes = np.empty(_END)
        for start in range(0, width, _TILE):
            stop = min(start + _TILE, width)
            lanes[:_COUNT] = 1.0
            lanes[_COUNT:] = 0.0
            for j in range(window):
                _step(back[last - j, start:stop], bar[last - j, start:stop], float(j), lanes)
            _levels(bar[last, start:stop], lanes, need, out[:, i, start:stop])
            _moves(bar[last, start:stop], lanes, need, out[:, i, start:stop])
    return out


@numba.njit(cache=True, error_model="numpy")
def _step(back: np.ndarray, bar: np.ndarray, age: float, lanes: np.ndarray) -> None:
    """Take the closes of ``age`` sessions ago, and the moves that led to them."""
    for n in range(back.shape[0]):
        now = lanes[_PRICE + n] * bar[n]
        before = lanes[_PRICE + n] * back[n]
        move = now - before
        one = 0.0 if np.isnan(now) else 1.0
        gap = 0.0 if np.isnan(now) else now - 1.0
        lanes[_PRICE + n] = before
        lanes[_COUNT + n] += one
        lanes[_AGE + n] += age * one
        lanes[_AGE2 + n] += age * age * one
        lanes[_GAP + n] += gap
        lanes[_GAP2 + n] += gap * gap
        lanes[_CROSS + n] += age * gap
        lanes[_BELOW + n] += 1.0 if gap < -TIE else 0.0
        lanes[_EQUAL + n] += one if abs(gap) <= TIE else 0.0
        lanes[_MOVES + n] += 0.0 if np.isnan(move) else 1.0
        lanes[_RISES + n] += 1.0 if move > 0.0 else 0.0
        lanes[_FALLS + n] += 1.0 if move < 0.0 else 0.0
        lanes[_GAIN + n] += move if move > 0.0 else 0.0
        lanes[_LOSS + n] += -move if move < 0.0 else 0.0


@numba.njit(cache=True, error_model="numpy")
def _levels(today: np.ndarray, lanes: np.ndarray, need: int, out: np.ndarray) -> None:
    for n in range(today.shape[0]):
        count, age, age2 = lanes[_COUNT + n], lanes[_AGE + n], lanes[_AGE2 + n]
        gap, gap2, cross = lanes[_GAP + n], lanes[_GAP2 + n], lanes[_CROSS + n]
        known = today[n] if count >= need else np.nan
        along = count * age2 - age * age
        spread = max(count * gap2 - gap * gap, 0.0)
        slope = (age * gap - count * cross) / along
        out[1, n] = (1.0 + gap / count) * known
        out[2, n] = np.sqrt(spread / (count * (count - 1.0))) * known
        out[3, n] = slope * known
        out[4, n] = slope * slope * along / spread * known  # 0 / 0 where closes do not move
        out[5, n] = -(gap + slope * age) / count * known
        out[6, n] = (lanes[_BELOW + n] + 0.5 * (lanes[_EQUAL + n] + 1.0)) / count * known


@numba.njit(cache=True, error_model="numpy")
def _moves(today: np.ndarray, lanes: np.ndarray, need: int, out: np.ndarray) -> None:
    for n in range(today.shape[0]):
        moves, rises, falls = lanes[_MOVES + n], lanes[_RISES + n], lanes[_FALLS + n]
        gain, loss = lanes[_GAIN + n], lanes[_LOSS + n]
        known = today[n] if moves >= need else np.nan
        moved = gain + loss if gain + loss > 0.0 else 1.0
        out[0, n] = lanes[_PRICE + n] * known
        out[7, n] = rises / moves * known
        out[8, n] = falls / moves * known
        out[9, n] = (rises - falls) / moves * known
        out[10, n] = gain / moved * known
        out[11, n] = loss / moved * known
        out[12, n] = (gain - loss) / moved * known
