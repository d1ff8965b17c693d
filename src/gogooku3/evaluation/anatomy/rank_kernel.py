"""Compiled: Spearman's correlation of each session from values that are already in order.

Each grid is sorted once; the ranks among any subset of its names then follow from one pass along that order.
"""

from __future__ import annotations

import numba
import numpy as np

_Ordered = tuple[np.ndarray, np.ndarray, np.ndarray]
_Placed = tuple[np.ndarray, np.ndarray]


@numba.njit(parallel=True, cache=True, error_model="numpy")
def order_rows(grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns of each row by rising value, NaN left out, int32 [D, N], and their number, int64 [D]."""
    days, width = grid.shape
    order = np.zeros((days, width), dtype=np.int32)
    count = np.zeros(days, dtype=np.int64)
    for d in numba.prange(days):
        count[d] = _order_row(grid[d], order[d])
    return order, count


@numba.njit(parallel=True, cache=True, error_model="numpy")
def correlate_ordered(left: _Ordered, right: _Ordered, min_names: int) -> np.ndarray:
    """Return Spearman's correlation of each row over the columns that have both, ties by average rank, [D].

    Args:
        left: Grid [D, N], NaN where none, with its order and count, of ``order_rows``.
        right: The other grid, likewise.
        min_names: A row with fewer columns has no value.
    """
    (x_grid, x_order, x_count), (y_grid, y_order, y_count) = left, right
    days, width = x_grid.shape
    values = np.full(days, np.nan)
    for d in numba.prange(days):
        kept = np.zeros(width, dtype=np.bool_)
        for i in range(x_count[d]):
            n = x_order[d, i]
            kept[n] = y_grid[d, n] == y_grid[d, n]
        x = np.zeros(width)
        y = np.zeros(width)
        names, xx = _centred_ranks(x_grid[d], x_order[d], x_count[d], kept, x)
        if names < min_names or xx == 0.0:
            continue
        _, yy = _centred_ranks(y_grid[d], y_order[d], y_count[d], kept, y)
        if yy > 0.0:
            values[d] = _product(x, y) / np.sqrt(xx * yy)
    return values


@numba.njit(parallel=True, cache=True, error_model="numpy")
def correlate_features(scores: np.ndarray, features: np.ndarray, min_names: int) -> np.ndarray:
    """Return the rank correlation of every score with every feature on every session, float64 [S, F, L].

    Args:
        scores: Any values that rank as the scores do, float32 [S, L, N], NaN where none.
        features: Features, float32 [L, N, F], NaN where none.
        min_names: A session with fewer names that have both has no value.
    """
    values = np.full((scores.shape[0], features.shape[2], scores.shape[1]), np.nan)
    for d in numba.prange(scores.shape[1]):
        _correlate_session(scores[:, d], features[d], min_names, values[:, :, d])
    return values


@numba.njit(cache=True, error_model="numpy")
def _correlate_session(scores: np.ndarray, features: np.ndarray, min_names: int, values: np.ndarray) -> None:
    """Correlate scores [S, N] with features [N, F] into [S, F].

    Features that miss the same names share the ranks of the scores among the others.
    """
    models, width = scores.shape
    order = np.zeros((models, width), dtype=np.int32)
    count = np.zeros(models, dtype=np.int64)
    columns = np.full((features.shape[1], width), np.nan, dtype=np.float32)
    for s in range(models):
        count[s] = _order_row(scores[s], order[s])
        for i in range(count[s]):  # features of names without any score are not wanted
            columns[:, order[s, i]] = features[order[s, i]]
    group = _same_missing(columns)
    like = _same_missing(scores)
    ranks = np.zeros((models, width))
    square = np.zeros(models)
    for first in range(features.shape[1]):
        if group[first] != first:
            continue
        known = columns[first] == columns[first]
        ranks[:] = 0.0
        for s in range(models):
            _, square[s] = _centred_ranks(scores[s], order[s], count[s], known, ranks[s])
        for f in range(first, features.shape[1]):
            if group[f] == first:
                _correlate_column(columns[f], (scores, like), (ranks, square), min_names, values[:, f])


@numba.njit(cache=True, error_model="numpy")
def _correlate_column(
    column: np.ndarray, scored: _Placed, ranked: _Placed, min_names: int, values: np.ndarray
) -> None:
    """Correlate one feature [N] with all scores; those of the same names share the feature's ranks.

    Args:
        column: The feature, [N].
        scored: The scores [S, N], and of each the first score of the same names, [S].
        ranked: Centred ranks [S, N] among the names that have the feature, and the sums of their squares, [S].
        min_names: Fewer names have no correlation.
        values: Where to write, [S].
    """
    (scores, like), (ranks, square) = scored, ranked
    place = np.zeros(column.shape[0], dtype=np.int32)
    size = _order_row(column, place)
    for s in range(scores.shape[0]):
        if like[s] != s:
            continue
        y = np.zeros(column.shape[0])
        names, yy = _centred_ranks(column, place, size, scores[s] == scores[s], y)
        if names < min_names or yy == 0.0:
            continue
        for t in range(s, scores.shape[0]):
            if like[t] == s and square[t] > 0.0:
                values[t] = _product(ranks[t], y) / np.sqrt(square[t] * yy)


@numba.njit(cache=True, error_model="numpy")
def _same_missing(columns: np.ndarray) -> np.ndarray:
    """Return for each row of [F, N] the first row that has values at the same columns."""
    rows, width = columns.shape
    group = np.arange(rows)
    missing = np.zeros(rows, dtype=np.int64)
    for f in range(rows):
        for n in range(width):
            missing[f] += 0 if columns[f, n] == columns[f, n] else 1
        for g in range(f):
            if group[g] != g or missing[g] != missing[f]:
                continue
            n = 0
            while n < width and (columns[f, n] == columns[f, n]) == (columns[g, n] == columns[g, n]):
                n += 1
            if n == width:
                group[f] = g
                break
    return group


@numba.njit(cache=True, error_model="numpy")
def _order_row(row: np.ndarray, order: np.ndarray) -> int:
    kept = np.empty(row.shape[0], dtype=np.int32)
    size = 0
    for n in range(row.shape[0]):
        if row[n] == row[n]:
            kept[size] = n
            size += 1
    kept = kept[:size]
    places = np.argsort(row[kept])
    for i in range(size):
        order[i] = kept[places[i]]
    return size


@numba.njit(cache=True, error_model="numpy")
def _centred_ranks(
    row: np.ndarray, order: np.ndarray, count: int, kept: np.ndarray, out: np.ndarray
) -> tuple[int, float]:
    """Write twice the average rank among ``kept``, less its mean, and return their number and sum of squares.

    Doubled ranks are whole numbers, so sums are exact whatever the order of ties.
    """
    chosen = np.empty(count, dtype=np.int32)
    size = 0
    for i in range(count):
        if kept[order[i]]:
            chosen[size] = order[i]
            size += 1
    square = 0.0
    start = 0
    while start < size:
        stop = start + 1
        while stop < size and row[chosen[stop]] == row[chosen[start]]:
            stop += 1
        rank = float(start + stop - size)
        for i in range(start, stop):
            out[chosen[i]] = rank
        square += (stop - start) * rank * rank
        start = stop
    return size, square


@numba.njit(cache=True, error_model="numpy", fastmath={"reassoc"})
def _product(x: np.ndarray, y: np.ndarray) -> float:
    """Return the sum of products of whole numbers, exact in whatever order they are added."""
    total = 0.0
    for n in range(x.shape[0]):
        total += x[n] * y[n]
    return total
