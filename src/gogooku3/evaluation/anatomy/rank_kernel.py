"""Compiled: Spearman's correlation of each session from values that are already in order.

Each grid is sorted once; the ranks among any subset of its names then follow from one pass along that order.
"""

from __future__ import annotations

import numba
import numpy as np

_Ordered = tuple[np.ndarray, np.ndarray, np.ndarray]
_Placed = tuple[np.ndarray, np.ndarray]


@numba.njit(parallel=True, cache=True, error_model="numpy")
def correlate_ordered(left: _Ordered, right: _Ordered, min_names: int) -> np.ndarray:
    """Return Spearman's correlation of each row over the columns that have both, ties by average rank, [D].

    Args:
        left: Grid [D, N], NaN where none, with the columns of each row by rising value, and how many have one.
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


@numba.njit(cache=True, error_model="numpy")
def correlate_rows(left: _Ordered, right: _Ordered, min_names: int) -> np.ndarray:
    """Return Spearman's correlation of every row of one grid with every row of the other, [S, F].

    Rows of ``right`` that miss the same columns share the ranks of ``left`` among the others, and rows of ``left``
    that have the same columns share the ranks of ``right``. It runs on one core: a call takes milliseconds, in which
    threads would mostly wait for each other.

    Args:
        left: Grid [S, N], NaN where none, with the order and count of its rows.
        right: Grid [F, N], likewise.
        min_names: A pair of rows with fewer columns in common has no value.
    """
    (x_grid, x_order, x_count), (y_grid, y_order, y_count) = left, right
    group = _same_missing(y_grid)
    like = _same_missing(x_grid)
    firsts = np.flatnonzero(group == np.arange(len(group)))
    ranks = np.zeros((len(firsts), x_grid.shape[0], x_grid.shape[1]))
    square = np.zeros((len(firsts), x_grid.shape[0]))
    for g in range(len(firsts)):
        known = y_grid[firsts[g]] == y_grid[firsts[g]]
        for s in range(x_grid.shape[0]):
            _, square[g, s] = _centred_ranks(x_grid[s], x_order[s], x_count[s], known, ranks[g, s])
    values = np.full((x_grid.shape[0], y_grid.shape[0]), np.nan)
    for f in range(y_grid.shape[0]):
        g = np.searchsorted(firsts, group[f])
        row = (y_grid[f], y_order[f], y_count[f])
        values[:, f] = _correlate_row((x_grid, like), (ranks[g], square[g]), row, min_names)
    return values


@numba.njit(cache=True, error_model="numpy")
def _correlate_row(
    left: _Placed, ranked: _Placed, row: tuple[np.ndarray, np.ndarray, int], min_names: int
) -> np.ndarray:
    """Return the correlations of all rows of ``left`` with one other row, [S].

    Args:
        left: Grid [S, N], and of each row the first one that has the same columns, [S].
        ranked: Centred ranks [S, N] of ``left`` among the columns that the row has, and their sums of squares, [S].
        row: Values [N], their order, and how many there are.
        min_names: Fewer columns in common have no correlation.
    """
    (x_grid, like), (ranks, square), (column, order, count) = left, ranked, row
    values = np.full(len(x_grid), np.nan)
    for s in range(len(x_grid)):
        if like[s] != s:
            continue
        y = np.zeros(x_grid.shape[1])
        names, yy = _centred_ranks(column, order, count, x_grid[s] == x_grid[s], y)
        if names < min_names or yy == 0.0:
            continue
        for t in range(s, len(x_grid)):
            if like[t] == s and square[t] > 0.0:
                values[t] = _product(ranks[t], y) / np.sqrt(square[t] * yy)
    return values


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
