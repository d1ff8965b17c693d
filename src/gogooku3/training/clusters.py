"""Small groups of linked stocks."""

from __future__ import annotations

import numba
import numpy as np

_SIZE = 50  # stocks of a cluster, about: two stocks and their 20 neighbours
_SLACK = 1.05  # of the largest cluster over that
_PASSES = 5  # more keep no more links together


def clusters(stocks: np.ndarray, links: np.ndarray | None, rng: np.random.Generator) -> list[np.ndarray]:
    """Cut stocks into random groups of linked ones, about alike in size.

    Restreamed greedy partitioning (Stanton and Kliot 2012, Streaming Graph Partitioning for Large Distributed Graphs;
    Nishimura and Ugander 2013): stocks come in a random order, several times over, and each joins the group that its
    links, the nearest neighbour's counting most, pull it to, less so the fuller the group is.

    Args:
        stocks: Indices on the panel's stock axis, int64 [n].
        links: Stock indices of the neighbours of every stock of the panel, the nearest first, int [N, k], -1 for
            none; None: every stock is a group of its own.
        rng: Source of the order.

    Returns:
        Groups in a random order; every stock is in one.
    """
    if links is None:
        return list(rng.permutation(stocks)[:, None])
    count = -(-len(stocks) // _SIZE)
    orders = np.stack([rng.permutation(stocks) for _ in range(_PASSES)])
    begin, other, weight = _both_ways(stocks, np.ascontiguousarray(links, dtype=np.int64))
    group = _joined(orders, begin, other, weight, count)[stocks]
    return [stocks[group == number] for number in rng.permutation(count) if (group == number).any()]


@numba.njit(cache=True)
def _both_ways(stocks: np.ndarray, links: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where each stock's links begin [N + 1], to whom they lead and their weights, in both directions."""
    inside = np.zeros(len(links), dtype=np.bool_)
    inside[stocks] = True
    begin = np.zeros(len(links) + 1, dtype=np.int64)
    for i in stocks:
        for j in links[i]:
            if j >= 0 and inside[j]:
                begin[i + 1] += 1
                begin[j + 1] += 1
    begin = np.cumsum(begin)
    free = begin[:-1].copy()
    other = np.empty(begin[-1], dtype=np.int64)
    weight = np.empty(begin[-1])
    for i in stocks:
        for slot in range(links.shape[1]):
            j = links[i, slot]
            if j >= 0 and inside[j]:
                for one, another in ((i, j), (j, i)):
                    other[free[one]] = another
                    weight[free[one]] = 1.0 / (slot + 1)
                    free[one] += 1
    return begin, other, weight


@numba.njit(cache=True)
def _joined(
    orders: np.ndarray, begin: np.ndarray, other: np.ndarray, weight: np.ndarray, count: int
) -> np.ndarray:
    """Return the group of each stock after all have joined one as often as there are orders."""
    room = _SLACK * orders.shape[1] / count + 1.0
    group = np.full(len(begin) - 1, -1, dtype=np.int64)
    held = np.zeros(count)
    pull = np.empty(count)
    for order in orders:
        for i in order:
            if group[i] >= 0:
                held[group[i]] -= 1.0
            pull[:] = 1e-6  # so that who has no link joins the emptiest
            for link in range(begin[i], begin[i + 1]):
                if group[other[link]] >= 0:
                    pull[group[other[link]]] += weight[link]
            group[i] = np.argmax(pull * (1.0 - (held + 1.0) / (room + 1.0)))
            held[group[i]] += 1.0
    return group
