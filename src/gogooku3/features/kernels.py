"""Rolling kernels over sessions, vectorised over stocks.

Every kernel takes ``x`` of shape [L + window - 1, N] and returns [L, N]: row ``i`` is computed from rows
``i .. i + window - 1`` alone, so a value never depends on where history starts, and rebuilding a part gives
the same bits as rebuilding all. NaN observations are left out; a value needs at least ``need`` of them.
"""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.axes import FloatLN, FloatWN


def rolling_sum(x: FloatWN, window: int, need: int) -> FloatLN:
    """Sum of the observations of the window."""
    return _rolling_total(x, window, need, False)


def rolling_mean(x: FloatWN, window: int, need: int) -> FloatLN:
    """Mean of the observations of the window."""
    return _rolling_total(x, window, need, True)


@numba.njit(parallel=True, cache=True, error_model="numpy")
def _rolling_total(x: FloatWN, window: int, need: int, average: bool) -> FloatLN:
    length, width = x.shape[0] - window + 1, x.shape[1]
    out = np.empty((length, width))
    for i in numba.prange(length):
        total = np.zeros(width)
        count = np.zeros(width)
        for j in range(window):
            row = x[i + j]
            for n in range(width):
                seen = row[n] == row[n]
                total[n] += row[n] if seen else 0.0
                count[n] += 1.0 if seen else 0.0
        for n in range(width):
            value = total[n] / count[n] if average else total[n]
            out[i, n] = value if count[n] >= need else np.nan
    return out


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_weighted(x: FloatWN, weights: np.ndarray, need: int) -> FloatLN:
    """Weighted mean; ``weights[j]`` belongs to row ``i + j``, a missing observation takes its weight along."""
    window = weights.shape[0]
    length, width = x.shape[0] - window + 1, x.shape[1]
    out = np.empty((length, width))
    for i in numba.prange(length):
        total = np.zeros(width)
        mass = np.zeros(width)
        count = np.zeros(width)
        for j in range(window):
            row = x[i + j]
            weight = weights[j]
            if weight == 0.0:
                continue
            for n in range(width):
                seen = row[n] == row[n]
                total[n] += weight * row[n] if seen else 0.0
                mass[n] += weight if seen else 0.0
                count[n] += 1.0 if seen else 0.0
        for n in range(width):
            out[i, n] = total[n] / mass[n] if count[n] >= need else np.nan
    return out


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_std(x: FloatWN, window: int, need: int) -> FloatLN:
    """Standard deviation (ddof 1) of the observations of the window, in two passes."""
    length, width = x.shape[0] - window + 1, x.shape[1]
    out = np.empty((length, width))
    for i in numba.prange(length):
        mean = np.zeros(width)
        count = np.zeros(width)
        square = np.zeros(width)
        for j in range(window):
            row = x[i + j]
            for n in range(width):
                seen = row[n] == row[n]
                mean[n] += row[n] if seen else 0.0
                count[n] += 1.0 if seen else 0.0
        for n in range(width):
            mean[n] /= count[n]
        for j in range(window):
            row = x[i + j]
            for n in range(width):
                gap = row[n] - mean[n]
                square[n] += gap * gap if gap == gap else 0.0
        for n in range(width):
            enough = count[n] >= need and count[n] >= 2.0
            out[i, n] = np.sqrt(square[n] / (count[n] - 1.0)) if enough else np.nan
    return out


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_moment_ratio(x: FloatWN, window: int, need: int, power: int) -> FloatLN:
    """Standardised central moment (power 3: skewness, 4: kurtosis; population moments, no bias correction).

    NaN where the observations of the window do not vary.
    """
    length, width = x.shape[0] - window + 1, x.shape[1]
    out = np.empty((length, width))
    for i in numba.prange(length):
        mean = np.zeros(width)
        count = np.zeros(width)
        second = np.zeros(width)
        higher = np.zeros(width)
        for j in range(window):
            row = x[i + j]
            for n in range(width):
                seen = row[n] == row[n]
                mean[n] += row[n] if seen else 0.0
                count[n] += 1.0 if seen else 0.0
        for n in range(width):
            mean[n] /= count[n]
        for j in range(window):
            row = x[i + j]
            for n in range(width):
                gap = row[n] - mean[n]
                gap = gap if gap == gap else 0.0
                square = gap * gap
                second[n] += square
                higher[n] += square * gap if power == 3 else square * square
        for n in range(width):
            variance = second[n] / count[n]
            if count[n] >= need and variance > 1e-16:
                scale = variance * np.sqrt(variance) if power == 3 else variance * variance
                out[i, n] = higher[n] / count[n] / scale
            else:
                out[i, n] = np.nan
    return out


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_extreme(x: FloatWN, window: int, need: int, sign: float) -> FloatLN:
    """Largest (``sign`` 1) or smallest (``sign`` -1) observation of the window."""
    length, width = x.shape[0] - window + 1, x.shape[1]
    out = np.empty((length, width))
    for i in numba.prange(length):
        best = np.full(width, -np.inf)
        count = np.zeros(width)
        for j in range(window):
            row = x[i + j]
            for n in range(width):
                value = sign * row[n]
                best[n] = value if value > best[n] else best[n]
                count[n] += 1.0 if value == value else 0.0
        for n in range(width):
            out[i, n] = sign * best[n] if count[n] >= need else np.nan
    return out


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_path(r: FloatWN, window: int, need: int) -> tuple[FloatLN, FloatLN, FloatLN, FloatLN]:
    """Look back along the path that log returns ``r`` draw, seen from its end: the last price is 0.

    Returns:
        Mean, maximum and minimum of the log price over the ``window`` sessions that end now, and the sessions since
        the maximum (the latest, on ties) as a share of the window, each [L, N]. A session without a return
        has no price.
    """
    length, width = r.shape[0] - window + 1, r.shape[1]
    mean = np.empty((length, width))
    high = np.empty((length, width))
    low = np.empty((length, width))
    age = np.empty((length, width))
    for i in numba.prange(length):
        price = np.zeros(width)
        total = np.zeros(width)
        count = np.zeros(width)
        top = np.full(width, -np.inf)
        bottom = np.full(width, np.inf)
        since = np.zeros(width)
        for j in range(window):
            row = r[i + window - 1 - j]
            for n in range(width):
                seen = row[n] == row[n]
                now = price[n]
                total[n] += now if seen else 0.0
                count[n] += 1.0 if seen else 0.0
                higher = seen and now > top[n]
                top[n] = now if higher else top[n]
                since[n] = j if higher else since[n]
                bottom[n] = now if seen and now < bottom[n] else bottom[n]
                price[n] = now - row[n] if seen else now
        for n in range(width):
            enough = count[n] >= need
            mean[i, n] = total[n] / count[n] if enough else np.nan
            high[i, n] = top[n] if enough else np.nan
            low[i, n] = bottom[n] if enough else np.nan
            age[i, n] = since[n] / window if enough else np.nan
    return mean, high, low, age


@numba.njit(parallel=True, cache=True, error_model="numpy")
def rolling_regression(y: FloatWN, x: FloatWN, window: int, need: int) -> tuple[FloatLN, FloatLN, FloatLN]:
    """Least squares of ``y`` on ``x`` with intercept over pairs where both exist.

    Returns:
        Slope, correlation, and residual standard deviation (ddof 2), each [L, N]; NaN where ``x`` does not vary.
    """
    length, width = x.shape[0] - window + 1, x.shape[1]
    slope = np.empty((length, width))
    corr = np.empty((length, width))
    noise = np.empty((length, width))
    for i in numba.prange(length):
        count = np.zeros(width)
        mean_x = np.zeros(width)
        mean_y = np.zeros(width)
        xx = np.zeros(width)
        yy = np.zeros(width)
        xy = np.zeros(width)
        for j in range(window):
            row_x, row_y = x[i + j], y[i + j]
            for n in range(width):
                both = row_x[n] + row_y[n]
                seen = both == both
                count[n] += 1.0 if seen else 0.0
                mean_x[n] += row_x[n] if seen else 0.0
                mean_y[n] += row_y[n] if seen else 0.0
        for n in range(width):
            mean_x[n] /= count[n]
            mean_y[n] /= count[n]
        for j in range(window):
            row_x, row_y = x[i + j], y[i + j]
            for n in range(width):
                gap_x, gap_y = row_x[n] - mean_x[n], row_y[n] - mean_y[n]
                both = gap_x + gap_y
                seen = both == both
                xx[n] += gap_x * gap_x if seen else 0.0
                yy[n] += gap_y * gap_y if seen else 0.0
                xy[n] += gap_x * gap_y if seen else 0.0
        for n in range(width):
            if count[n] >= need and count[n] >= 3.0 and xx[n] > 1e-16 * count[n]:
                slope[i, n] = xy[n] / xx[n]
                left = max(yy[n] - xy[n] * xy[n] / xx[n], 0.0)
                noise[i, n] = np.sqrt(left / (count[n] - 2.0))
                varies = yy[n] > 1e-16 * count[n]
                corr[i, n] = xy[n] / np.sqrt(xx[n] * yy[n]) if varies else np.nan
            else:
                slope[i, n] = np.nan
                corr[i, n] = np.nan
                noise[i, n] = np.nan
    return slope, corr, noise


@numba.njit(parallel=True, cache=True, error_model="numpy")
def day_rank(x: FloatLN, member: np.ndarray) -> FloatLN:
    """Place of each value among the day's members, in [-0.5, 0.5]; ties share their middle place.

    The place is (members below + half the members equal) / members - 0.5; stocks outside the universe are placed
    among the members too. NaN stays NaN; a day on which no member has a value gives NaN.
    """
    length, width = x.shape
    out = np.full((length, width), np.nan)
    for i in numba.prange(length):
        values = np.empty(width)
        size = 0
        for n in range(width):
            if member[i, n] and x[i, n] == x[i, n]:
                values[size] = x[i, n]
                size += 1
        if size == 0:
            continue
        ordered = np.sort(values[:size])
        left = np.searchsorted(ordered, x[i], side="left")
        right = np.searchsorted(ordered, x[i], side="right")
        for n in range(width):
            if x[i, n] == x[i, n]:
                out[i, n] = 0.5 * (left[n] + right[n]) / size - 0.5
    return out


@numba.njit(parallel=True, cache=True, error_model="numpy")
def group_mean(x: FloatLN, member: np.ndarray, group: np.ndarray, groups: int, need: int) -> FloatLN:
    """Mean over the day's members of each stock's group ([N], -1 for none), given to every stock of the group."""
    length, width = x.shape
    out = np.full((length, width), np.nan)
    for i in numba.prange(length):
        total = np.zeros(groups)
        count = np.zeros(groups)
        for n in range(width):
            g = group[n]
            if g >= 0 and member[i, n] and x[i, n] == x[i, n]:
                total[g] += x[i, n]
                count[g] += 1.0
        for n in range(width):
            g = group[n]
            if g >= 0 and count[g] >= need:
                out[i, n] = total[g] / count[g]
    return out
