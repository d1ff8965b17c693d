"""GATv2 over the slots of each stock, forward and backward, without a tensor of stocks x neighbours x channels.

One day, or a part of its rows, belongs to one thread, which alone adds to the gradients of that day's neighbours, so
the result has the same bits at any number of threads. Arrays are float32, C-contiguous and day-major:

``both`` [L, N, 2 C]: target part (W_l h) and source part (W_r h) of each stock's channels; channel c belongs to head
c mod H, so that one register of eight lanes holds every head. ``alpha`` [L, N, k H + 8]: attention before dropout, slot
by slot, the stock itself behind slot k. Rows of absent stocks, and slots that do not count, are never read.
Gradients of a task have an axis for parts behind that of days.
"""

# Compiled functions take their arrays by position, and numba finds the types.
# ruff: noqa: PLR0917
# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

from gogooku3.models.layers.lanes import (
    LANES,
    exponential,
    larger,
    load,
    shuffled,
    splat,
    store,
    where_positive,
)

DROP_BITS = 24  # of a random number: a share is met to 6e-8, and float32 holds it
_ROWS = 512  # of one forward task
_FEWEST = 2  # backward tasks at least, where days alone are fewer
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_swap_4 = shuffled([4, 5, 6, 7, 0, 1, 2, 3])
_swap_2 = shuffled([2, 3, 0, 1, 6, 7, 4, 5])
_swap_1 = shuffled([1, 0, 3, 2, 5, 4, 7, 6])
_first_4, _first_2, _first_1 = shuffled([0, 1, 2, 3] * 2), shuffled([0, 1] * 4), shuffled([0] * 8)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _inlined(function: _Function) -> _Function:
    """Compile a function into its caller, so that sizes become constants and loops are unrolled."""
    compiled: Any = numba.njit(function, cache=True, error_model="numpy", forceinline=True)
    return cast(_Function, compiled)


class Sizes(NamedTuple):
    """Channels (a multiple of 8), heads (1, 2, 4 or 8) and features of a link."""

    width: int
    heads: int
    edges: int


def row_size(slots: int, heads: int) -> int:
    """Return how many numbers ``alpha`` holds of one stock."""
    return slots * heads + LANES


def backward_parts(days: int) -> int:
    """Return into how many parts the rows of a day are divided; a matter of the block, not of the threads."""
    return -(-_FEWEST // days)


@cache
def kernels(sizes: Sizes) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return forward and backward for these sizes; they are compiled at first use and cached on disk."""
    width, heads, edges = sizes  # numbers, since a cached kernel is found again by the numbers it closes over

    @numba.njit(parallel=True, cache=True, error_model="numpy")
    def forward(both, index, valid, edge, graph, present, w_edge, a, slope, drop, alpha, out):
        days, stocks = present.shape
        parts = -(-stocks // _ROWS)
        for task in numba.prange(days * parts):
            day, low = task // parts, task % parts * _ROWS
            g, high = graph[day], min(stocks, low + _ROWS)
            _forward_rows(
                day * stocks, low, high, both[day], index[g], valid[g], edge[g], present[day], w_edge, a, slope, drop,
                alpha[day], out[day], width, heads, edges,
            )  # fmt: skip

    @numba.njit(parallel=True, cache=True, error_model="numpy")
    def backward(
        both, index, valid, edge, graph, present, w_edge, a, slope, drop, alpha, grad, d_both, d_edge, d_a
    ):
        days, stocks = present.shape
        parts = d_both.shape[1]
        size = -(-stocks // parts)
        for task in numba.prange(days * parts):
            day, part = task // parts, task % parts
            g, low, high = graph[day], part * size, min(stocks, part * size + size)
            _backward_rows(
                day * stocks, low, high, both[day], index[g], valid[g], edge[g], present[day], w_edge, a, slope, drop,
                alpha[day], grad[day], d_both[day, part], d_edge[day, part], d_a[day, part], width, heads, edges,
            )  # fmt: skip

    return forward, backward


# Below, arrays are of one day and go one by one: in a tuple they would be counted at every use.


@_inlined
def _forward_rows(
    first, low, high, both, index, valid, edge, present, w_edge, a, slope, drop, alpha, out, width, heads, edges
):  # fmt: skip
    """Fill ``out`` and ``alpha`` of the rows from ``low`` to ``high``; ``first`` counts the rows of the days before."""
    slots = index.shape[1]
    slot, row, features, keep = _room(slots, edges)
    weight = np.empty((slots + 1) * LANES, np.float32)
    for i in range(low, high):
        if not present[i]:
            for b in range(0, width, LANES):
                store(out, i * width + b, splat(_ZERO))
            continue
        count = _open(i, index, valid, edge, present, slot, row, features, width, edges)
        highest = splat(np.float32(-np.inf))
        for q in range(count):
            logit = splat(_ZERO)
            for b in range(0, width, LANES):
                z = _meet(both, 2 * i * width, row[q], b, features, q * edges, w_edge, width, edges)
                logit = logit + load(a, b) * larger(z, splat(slope) * z)
            logit = _head_sums(logit, heads)
            highest = larger(logit, highest)
            store(weight, q * LANES, logit)
        share = _powers(weight, count, highest)
        if drop[2] > 0:
            _draw((first + i) * (slots + 1) * heads, count, slot, heads, drop, keep)
        for q in range(count):
            attention = load(weight, q * LANES) * share
            store(alpha, i * (slots * heads + LANES) + slot[q] * heads, attention)
            store(weight, q * LANES, attention * load(keep, q * LANES))
        for b in range(0, width, LANES):
            mixed = splat(_ZERO)
            for q in range(count):
                mixed = mixed + load(weight, q * LANES) * load(both, row[q] + b)
            store(out, i * width + b, mixed)


@_inlined
def _powers(weight, count, highest):
    """Replace logits by their powers; return the reciprocal of the sum."""
    total = splat(_ZERO)
    for q in range(count):
        power = exponential(load(weight, q * LANES) - highest)
        total = total + power
        store(weight, q * LANES, power)
    return splat(_ONE) / total


@_inlined
def _backward_rows(
    first, low, high, both, index, valid, edge, present, w_edge, a, slope, drop, alpha, grad, d_both, d_edge, d_a,
    width, heads, edges,
):  # fmt: skip
    """Fill the gradients with what the rows from ``low`` to ``high`` say; ``grad`` is that of the output."""
    slots = index.shape[1]
    slot, row, features, keep = _room(slots, edges)
    weight, d_logit = np.empty((slots + 1) * LANES, np.float32), np.empty((slots + 1) * LANES, np.float32)
    d_z = np.empty((slots + 1) * LANES, np.float32)
    d_both[:], d_edge[:], d_a[:] = _ZERO, _ZERO, _ZERO
    for i in range(low, high):
        if not present[i]:
            continue
        count = _open(i, index, valid, edge, present, slot, row, features, width, edges)
        if drop[2] > 0:
            _draw((first + i) * (slots + 1) * heads, count, slot, heads, drop, keep)
        mean = splat(_ZERO)
        for q in range(count):
            d_attention = splat(_ZERO)
            for b in range(0, width, LANES):
                d_attention = d_attention + load(grad, i * width + b) * load(both, row[q] + b)
            d_attention = _head_sums(d_attention, heads) * load(keep, q * LANES)
            attention = _heads_repeated(load(alpha, i * (slots * heads + LANES) + slot[q] * heads), heads)
            mean = mean + d_attention * attention
            store(d_logit, q * LANES, d_attention)
            store(weight, q * LANES, attention)
        for q in range(count):
            attention = load(weight, q * LANES)
            store(d_logit, q * LANES, attention * (load(d_logit, q * LANES) - mean))
            store(weight, q * LANES, attention * load(keep, q * LANES))
        for b in range(0, width, LANES):
            _push(
                i, b, count, both, row, features, w_edge, a, slope, weight, d_logit, d_z, grad, d_both, d_edge, d_a,
                width, edges,
            )  # fmt: skip


@_inlined
def _push(
    i, b, count, both, row, features, w_edge, a, slope, weight, d_logit, d_z, grad, d_both, d_edge, d_a, width, edges
):  # fmt: skip
    """Pass the gradients of stock ``i``'s logits and output on, for the eight channels from ``b``."""
    a_b, grad_b = load(a, b), load(grad, i * width + b)
    sum_a, sum_target = splat(_ZERO), splat(_ZERO)
    for q in range(count):
        z = _meet(both, 2 * i * width, row[q], b, features, q * edges, w_edge, width, edges)
        by_logit = load(d_logit, q * LANES)
        sum_a = sum_a + by_logit * larger(z, splat(slope) * z)
        by_z = by_logit * a_b
        by_z = where_positive(z, by_z, splat(slope) * by_z)
        sum_target = sum_target + by_z
        source = row[q] + b
        store(d_both, source, load(d_both, source) + (by_z + load(weight, q * LANES) * grad_b))
        store(d_z, q * LANES, by_z)
    store(d_both, 2 * i * width + b, sum_target)
    store(d_a, b, load(d_a, b) + sum_a)
    for e in range(edges):
        total = splat(_ZERO)
        for q in range(count):
            total = total + splat(features[q * edges + e]) * load(d_z, q * LANES)
        store(d_edge, e * width + b, load(d_edge, e * width + b) + total)


@_inlined
def _room(slots, edges):
    """Return room for the slots of a stock that count: number, place of the source part, features, dropout factor."""
    return (
        np.empty(slots + 1, np.int64),
        np.empty(slots + 1, np.int64),
        np.empty((slots + 1) * edges, np.float32),
        np.ones((slots + 1) * LANES, np.float32),
    )


@_inlined
def _open(i, index, valid, edge, present, slot, row, features, width, edges):
    """Gather the slots of stock ``i`` that count, the stock itself last with no features; return how many."""
    slots = index.shape[1]
    count = 0
    for k in range(slots):
        if valid[i, k] and present[index[i, k]]:
            slot[count], row[count] = k, (2 * np.int64(index[i, k]) + 1) * width
            for e in range(edges):
                features[count * edges + e] = edge[i, k, e]
            count += 1
    slot[count], row[count] = slots, (2 * i + 1) * width
    for e in range(edges):
        features[count * edges + e] = _ZERO
    return count + 1


@numba.njit(cache=True, error_model="numpy", inline="always")  # faster than inlined by LLVM
def _meet(both, target, source, b, features, at, w_edge, width, edges):
    """Return W_l h_i + W_r h_j + W_e edge_ij for the eight channels from ``b``."""
    z = load(both, target + b) + load(both, source + b)
    for e in range(edges):
        z = z + splat(features[at + e]) * load(w_edge, e * width + b)
    return z


@_inlined
def _head_sums(x, heads):
    """Sum the lanes of each head; every lane gets its head's sum."""
    if heads < 8:
        x = x + _swap_4(x)
    if heads < 4:
        x = x + _swap_2(x)
    if heads < 2:
        x = x + _swap_1(x)
    return x


@_inlined
def _heads_repeated(x, heads):
    """Repeat the first ``heads`` lanes over all."""
    if heads == 4:
        return _first_4(x)
    if heads == 2:
        return _first_2(x)
    if heads == 1:
        return _first_1(x)
    return x


@numba.njit(cache=True, error_model="numpy")
def _draw(first, count, slot, heads, drop, keep):
    """Fill ``keep`` with 0 for what is dropped and 1 / (1 - share) for the rest, as `dropout_factors` says."""
    scale = np.float32(1 << DROP_BITS) / np.float32((1 << DROP_BITS) - np.int64(drop[2]))
    for q in range(count):
        start = first + slot[q] * heads
        for lane in range(LANES):
            x = np.uint32(np.uint32(start + (lane & (heads - 1))) * drop[0] + drop[1])
            x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD))
            x = np.uint32((x ^ (x >> np.uint32(15))) * np.uint32(0xD35A2D97))
            x = np.uint32(x ^ (x >> np.uint32(15))) >> np.uint32(32 - DROP_BITS)
            keep[q * LANES + lane] = scale if x >= drop[2] else _ZERO
