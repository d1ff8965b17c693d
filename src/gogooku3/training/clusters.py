"""Small groups of linked stocks."""

from __future__ import annotations

import numba
import numpy as np

_SIZE = 25  # stocks of a cluster at most: a stock and about its 20 neighbours


def clusters(stocks: np.ndarray, links: np.ndarray | None, rng: np.random.Generator) -> list[np.ndarray]:
    """Cut stocks into random groups of linked ones.

    From a random stock a group grows by the neighbours of its members, breadth first, until it is full or nobody is
    left to join; then the next group grows from the next stock that has none.

    Args:
        stocks: Indices on the panel's stock axis, int64 [n].
        links: Stock indices of the neighbours of every stock of the panel, int [N, k], -1 for none; None: every
            stock is a group of its own.
        rng: Source of the order.

    Returns:
        Groups in a random order; every stock is in one.
    """
    order = rng.permutation(stocks)
    if links is None:
        return [order[i : i + 1] for i in range(len(order))]
    group = _grow(order.astype(np.int64), np.ascontiguousarray(links), _SIZE)
    by_group = np.argsort(group, kind="stable")
    return np.split(order[by_group], np.flatnonzero(np.diff(group[by_group])) + 1)


@numba.njit(cache=True)
def _grow(order: np.ndarray, links: np.ndarray, size: int) -> np.ndarray:
    """Return the number of the group of each stock of ``order``."""
    place = np.full(len(links), -1, dtype=np.int64)
    for i in range(len(order)):
        place[order[i]] = i
    group = np.full(len(order), -1, dtype=np.int64)
    members = np.empty(size, dtype=np.int64)
    groups = 0
    for i in range(len(order)):
        if group[i] >= 0:
            continue
        members[0] = i
        group[i] = groups
        count = 1
        head = 0
        while head < count:
            for j in links[order[members[head]]]:
                if count < size and j >= 0 and place[j] >= 0 and group[place[j]] < 0:
                    group[place[j]] = groups
                    members[count] = place[j]
                    count += 1
            head += 1
        groups += 1
    return group
