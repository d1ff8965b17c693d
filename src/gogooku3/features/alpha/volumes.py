"""Volume against its own past; a scale of share counts falls out."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.axes import FloatWN

LEVELS = ("VMA", "VSTD")
"""What ``rolling_volumes`` returns, in order."""
CHANGES = ("VSUMP", "VSUMN", "VSUMD")
"""What ``rolling_changes`` returns, in order."""

_TILE = 64


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_volumes(volume: FloatWN, window: int, need: int) -> np.ndarray:
    """Evaluate ``LEVELS`` with today's volume as the unit.

    Returns:
        [len(LEVELS), L, N]; NaN where nothing is known to have traded today, as then there is no unit.
    """
    length, width = volume.shape[0] - window + 1, volume.shape[1]
    out = np.empty((len(LEVELS), length, width))
    for i in numba.prange(length):
        sums = np.zeros((3, width))
        today = volume[i + window - 1]
        for j in range(window):
            row = volume[i + j]
            for n in range(width):
                gap = row[n] / today[n] - 1.0
                known = not np.isnan(gap)
                sums[0, n] += 1.0 if known else 0.0
                sums[1, n] += gap if known else 0.0
                sums[2, n] += gap * gap if known else 0.0
        for n in range(width):
            count, gap, gap2 = sums[0, n], sums[1, n], sums[2, n]
            known = count >= need and today[n] > 0.0
            spread = max(gap2 - gap * gap / count, 0.0)
            out[0, i, n] = 1.0 + gap / count if known else np.nan
            out[1, i, n] = np.sqrt(spread / (count - 1.0)) if known else np.nan
    return out


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_changes(volume: FloatWN, window: int, need: int) -> np.ndarray:
    """Evaluate ``CHANGES`` from the changes between neighbouring bars of the window.

    Args:
        volume: Shares on any scale.
        window: Sessions, one more than d of the formulas.
        need: Changes that must be there.

    Returns:
        [len(CHANGES), L, N]; 0 where volume did not change, NaN where today's is unknown.
    """
    length, width = volume.shape[0] - window + 1, volume.shape[1]
    out = np.empty((len(CHANGES), length, width))
    for i in numba.prange(length):
        later = np.full(width, np.nan)
        sums = np.zeros((3, width))
        for j in range(window):
            row = volume[i + window - 1 - j]
            for n in range(width):
                change = later[n] - row[n]
                sums[0, n] += 1.0 if not np.isnan(change) else 0.0
                sums[1, n] += change if change > 0.0 else 0.0
                sums[2, n] += -change if change < 0.0 else 0.0
                later[n] = later[n] if np.isnan(row[n]) else row[n]
        today = volume[i + window - 1]
        for n in range(width):
            rise, fall = sums[1, n], sums[2, n]
            known = 1.0 if sums[0, n] >= need and not np.isnan(today[n]) else np.nan
            moved = rise + fall if rise + fall > 0.0 else 1.0
            out[0, i, n] = rise / moved * known
            out[1, i, n] = fall / moved * known
            out[2, i, n] = (rise - fall) / moved * known
    return out
