"""GATv2 over the slots of each stock, forward and backward, without a tensor of stocks x neighbours x channels.

One day, or a part of its rows, belongs to one thread, which alone adds to the gradients of that day's neighbours, so
the result has the same bits at any number of threads. Arrays are float32, C-contiguous and day-major:

``both`` [L, N, 2 C]: target part (W_l h) and source part (W_r h) of each stock's channels; channel c belongs to head
c mod H, so that one register of eight lanes holds every head. ``alpha`` [L, N, k H + 8]: attention before dropout, slot
by slot, the stock itself behind slot k. Rows of absent stocks, and slots that do not count, are never read.
"""

# ruff: noqa: PLR0917 - compiled functions take their arrays by position
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
_FEWEST = 4  # backward tasks at least, where days alone are fewer
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


class _Links(NamedTuple):
    """One day: neighbours [N, k], features of the links [N, k, E], who is present [N], rows of the days before."""

    neighbour: np.ndarray
    valid: np.ndarray
    edge: np.ndarray
    present: np.ndarray
    first: int


class _Weights(NamedTuple):
    """W_e [E, C], attention vector [C], slope of the leaky ReLU, and what `dropout_factors` reads."""

    edge: np.ndarray
    attention: np.ndarray
    slope: np.float32
    drop: np.ndarray


class _Open(NamedTuple):
    """Slots of a stock that count, with what they need: where their source part begins, features, dropout factors."""

    slot: np.ndarray
    row: np.ndarray
    features: np.ndarray
    keep: np.ndarray


class _Gradients(NamedTuple):
    """Of ``both`` [N, 2 C], W_e [E, C] and the attention vector [C], from one task."""

    both: np.ndarray
    edge: np.ndarray
    attention: np.ndarray


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
    def forward(  # type: ignore[no-untyped-def] # arrays as in the module's text
        both, index, valid, edge, graph, present, w_edge, attention, slope, drop, alpha, out
    ):
        days, stocks = present.shape
        parts = -(-stocks // _ROWS)
        for task in numba.prange(days * parts):
            day, low = task // parts, task % parts * _ROWS
            g = graph[day]
            links = _Links(index[g], valid[g], edge[g], present[day], day * stocks)
            weights = _Weights(w_edge, attention, slope, drop)
            rows = range(low, min(stocks, low + _ROWS))
            _forward_rows(rows, both[day], links, weights, alpha[day], out[day], Sizes(width, heads, edges))

    @numba.njit(parallel=True, cache=True, error_model="numpy")
    def backward(  # type: ignore[no-untyped-def] # arrays as in the module's text, gradients with an axis for parts
        both,
        index,
        valid,
        edge,
        graph,
        present,
        w_edge,
        attention,
        slope,
        drop,
        alpha,
        grad,
        d_both,
        d_edge,
        d_attention,
    ):
        days, stocks = present.shape
        parts = d_both.shape[1]
        size = -(-stocks // parts)
        for task in numba.prange(days * parts):
            day, part = task // parts, task % parts
            g = graph[day]
            links = _Links(index[g], valid[g], edge[g], present[day], day * stocks)
            weights = _Weights(w_edge, attention, slope, drop)
            rows = range(part * size, min(stocks, part * size + size))
            out = _Gradients(d_both[day, part], d_edge[day, part], d_attention[day, part])
            _backward_rows(
                rows, both[day], links, weights, alpha[day], grad[day], out, Sizes(width, heads, edges)
            )

    return forward, backward


@_inlined
def _forward_rows(
    rows: range,
    both: np.ndarray,
    links: _Links,
    weights: _Weights,
    alpha: np.ndarray,
    out: np.ndarray,
    sizes: Sizes,
) -> None:
    """Fill ``out`` and ``alpha`` of some rows of one day."""
    width, heads, edges = sizes
    slots = links.neighbour.shape[1]
    opened = _room(slots, edges)
    weight = np.empty((slots + 1) * LANES, np.float32)
    for i in rows:
        if not links.present[i]:
            for b in range(0, width, LANES):
                store(out, i * width + b, splat(_ZERO))
            continue
        count = _open(i, links, weights.drop, opened, sizes)
        highest = splat(np.float32(-np.inf))
        for q in range(count):
            logit = splat(_ZERO)
            for b in range(0, width, LANES):
                z = _meet(
                    both, 2 * i * width, opened.row[q], b, opened.features, q * edges, weights.edge, sizes
                )
                logit = logit + load(weights.attention, b) * larger(z, splat(weights.slope) * z)
            logit = _head_sums(logit, heads)
            highest = larger(logit, highest)
            store(weight, q * LANES, logit)
        total = splat(_ZERO)
        for q in range(count):
            power = exponential(load(weight, q * LANES) - highest)
            total = total + power
            store(weight, q * LANES, power)
        share = splat(_ONE) / total
        for q in range(count):
            attention = load(weight, q * LANES) * share
            store(alpha, i * (slots * heads + LANES) + opened.slot[q] * heads, attention)
            store(weight, q * LANES, attention * load(opened.keep, q * LANES))
        for b in range(0, width, LANES):
            mixed = splat(_ZERO)
            for q in range(count):
                mixed = mixed + load(weight, q * LANES) * load(both, opened.row[q] + b)
            store(out, i * width + b, mixed)


@_inlined
def _backward_rows(
    rows: range,
    both: np.ndarray,
    links: _Links,
    weights: _Weights,
    alpha: np.ndarray,
    grad: np.ndarray,
    out: _Gradients,
    sizes: Sizes,
) -> None:
    """Fill the gradients with what some rows of one day say; ``grad`` is that of the output, [N, C]."""
    width, heads, edges = sizes
    slots = links.neighbour.shape[1]
    opened = _room(slots, edges)
    weight, d_logit = np.empty((slots + 1) * LANES, np.float32), np.empty((slots + 1) * LANES, np.float32)
    d_z = np.empty((slots + 1) * LANES, np.float32)
    out.both[:], out.edge[:], out.attention[:] = _ZERO, _ZERO, _ZERO
    for i in rows:
        if not links.present[i]:
            continue
        count = _open(i, links, weights.drop, opened, sizes)
        mean = splat(_ZERO)
        for q in range(count):
            d_attention = splat(_ZERO)
            for b in range(0, width, LANES):
                d_attention = d_attention + load(grad, i * width + b) * load(both, opened.row[q] + b)
            d_attention = _head_sums(d_attention, heads) * load(opened.keep, q * LANES)
            attention = load(alpha, i * (slots * heads + LANES) + opened.slot[q] * heads)
            attention = _heads_repeated(attention, heads)
            mean = mean + d_attention * attention
            store(d_logit, q * LANES, d_attention)
            store(weight, q * LANES, attention)
        for q in range(count):
            attention = load(weight, q * LANES)
            store(d_logit, q * LANES, attention * (load(d_logit, q * LANES) - mean))
            store(weight, q * LANES, attention * load(opened.keep, q * LANES))
        for b in range(0, width, LANES):
            _push(
                i,
                b,
                count,
                both,
                weights,
                opened,
                weight,
                d_logit,
                d_z,
                load(grad, i * width + b),
                out,
                sizes,
            )


@_inlined
def _push(
    i: int,
    b: int,
    count: int,
    both: np.ndarray,
    weights: _Weights,
    opened: _Open,
    weight: np.ndarray,
    d_logit: np.ndarray,
    d_z: np.ndarray,
    grad: Any,
    out: _Gradients,
    sizes: Sizes,
) -> None:
    """Pass the gradients of stock ``i``'s logits and output on, for the eight channels from ``b``."""
    width, _, edges = sizes
    steep, a = splat(weights.slope), load(weights.attention, b)
    sum_a, sum_target = splat(_ZERO), splat(_ZERO)
    for q in range(count):
        z = _meet(both, 2 * i * width, opened.row[q], b, opened.features, q * edges, weights.edge, sizes)
        by_logit = load(d_logit, q * LANES)
        sum_a = sum_a + by_logit * larger(z, steep * z)
        by_z = by_logit * a
        by_z = where_positive(z, by_z, steep * by_z)
        sum_target = sum_target + by_z
        source = opened.row[q] + b
        store(out.both, source, load(out.both, source) + (by_z + load(weight, q * LANES) * grad))
        store(d_z, q * LANES, by_z)
    store(out.both, 2 * i * width + b, sum_target)
    store(out.attention, b, load(out.attention, b) + sum_a)
    for e in range(edges):
        total = splat(_ZERO)
        for q in range(count):
            total = total + splat(opened.features[q * edges + e]) * load(d_z, q * LANES)
        store(out.edge, e * width + b, load(out.edge, e * width + b) + total)


@_inlined
def _room(slots: int, edges: int) -> _Open:
    """Return room for the slots of one stock and for the stock itself."""
    return _Open(
        np.empty(slots + 1, np.int64),
        np.empty(slots + 1, np.int64),
        np.empty((slots + 1) * edges, np.float32),
        np.ones((slots + 1) * LANES, np.float32),
    )


@_inlined
def _open(i: int, links: _Links, drop: np.ndarray, opened: _Open, sizes: Sizes) -> int:
    """Gather the slots of stock ``i`` that count, the stock itself last with no features; return how many."""
    width, heads, edges = sizes
    slots = links.neighbour.shape[1]
    count = 0
    for k in range(slots):
        if links.valid[i, k] and links.present[links.neighbour[i, k]]:
            opened.slot[count] = k
            opened.row[count] = (2 * np.int64(links.neighbour[i, k]) + 1) * width
            for e in range(edges):
                opened.features[count * edges + e] = links.edge[i, k, e]
            count += 1
    opened.slot[count] = slots
    opened.row[count] = (2 * i + 1) * width
    for e in range(edges):
        opened.features[count * edges + e] = _ZERO
    if drop[2] > 0:
        _draw((links.first + i) * (slots + 1) * heads, count + 1, heads, drop, opened)
    return count + 1


@numba.njit(cache=True, error_model="numpy", inline="always")  # faster than inlined by LLVM
def _meet(
    both: np.ndarray,
    target: int,
    source: int,
    b: int,
    features: np.ndarray,
    at: int,
    w_edge: np.ndarray,
    sizes: Sizes,
) -> Any:
    """Return W_l h_i + W_r h_j + W_e edge_ij for the eight channels from ``b``."""
    z = load(both, target + b) + load(both, source + b)
    for e in range(sizes.edges):
        z = z + splat(features[at + e]) * load(w_edge, e * sizes.width + b)
    return z


@_inlined
def _head_sums(x: Any, heads: int) -> Any:
    """Sum the lanes of each head; every lane gets its head's sum."""
    if heads < 8:
        x = x + _swap_4(x)
    if heads < 4:
        x = x + _swap_2(x)
    if heads < 2:
        x = x + _swap_1(x)
    return x


@_inlined
def _heads_repeated(x: Any, heads: int) -> Any:
    """Repeat the first ``heads`` lanes over all."""
    if heads == 4:
        return _first_4(x)
    if heads == 2:
        return _first_2(x)
    if heads == 1:
        return _first_1(x)
    return x


@numba.njit(cache=True, error_model="numpy")
def _draw(first: int, count: int, heads: int, drop: np.ndarray, opened: _Open) -> None:
    """Fill the dropout factors: 0, or 1 / (1 - share); the same numbers as `dropout_factors`."""
    scale = np.float32(1 << DROP_BITS) / np.float32((1 << DROP_BITS) - np.int64(drop[2]))
    for q in range(count):
        start = first + opened.slot[q] * heads
        for lane in range(LANES):
            x = np.uint32(np.uint32(start + (lane & (heads - 1))) * drop[0] + drop[1])
            x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD))
            x = np.uint32((x ^ (x >> np.uint32(15))) * np.uint32(0xD35A2D97))
            x = np.uint32(x ^ (x >> np.uint32(15))) >> np.uint32(32 - DROP_BITS)
            opened.keep[q * LANES + lane] = scale if x >= drop[2] else _ZERO
