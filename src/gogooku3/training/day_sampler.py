"""Which sessions and stocks each step of an epoch trains on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gogooku3.training.clusters import clusters

_FEWEST = 50  # stocks of a part: ranks among fewer say little


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """The sessions [start, stop) of some stocks.

    Attributes:
        start: First session.
        stop: Session after the last.
        stocks: Indices on the panel's stock axis, increasing, int64 [N].
    """

    start: int
    stop: int
    stocks: np.ndarray


class DaySampler:
    """Cuts the training sessions into blocks, each block's stocks into parts, and shuffles all of it every epoch.

    Every stock-day of the universe is in exactly one batch of an epoch. A part is a union of random clusters of linked
    stocks (Chiang et al. 2019, Cluster-GCN), so that most neighbours of a stock are in its batch. An epoch's order is
    a function of seed and epoch alone, so training goes on anywhere by counting steps.

    Args:
        sessions: Sessions to learn from, increasing, int64 [S].
        universe: True where the stock can be ranked, [D, N].
        block: Sessions of a block; those at the ends of a run of sessions have half as many to half more.
        parts: Parts that a block's stocks are cut into.
        seed: Seed.
        neighbours: Stock indices of the neighbours as of a session, int [N, k], -1 for none; None without a graph.
    """

    def __init__(
        self,
        sessions: np.ndarray,
        universe: np.ndarray,
        *,
        block: int,
        parts: int,
        seed: int,
        neighbours: Callable[[int], np.ndarray] | None = None,
    ) -> None:
        self.universe, self.block, self.parts, self.seed = universe, block, parts, seed
        self.neighbours = neighbours
        breaks = np.flatnonzero(np.diff(sessions) != 1) + 1
        self.runs = [(int(run[0]), int(run[-1]) + 1) for run in np.split(sessions, breaks) if run.size]

    def epoch(self, epoch: int) -> list[Batch]:
        """Return the batches of an epoch in their order."""
        rng = np.random.default_rng([self.seed, epoch])
        batches = [
            batch for run in self.runs for cut in self._cut(run, rng) for batch in self._split(cut, rng)
        ]
        return [batches[i] for i in rng.permutation(len(batches))]

    def _cut(self, run: tuple[int, int], rng: np.random.Generator) -> list[tuple[int, int]]:
        """Cut a run of sessions into blocks, from another place every epoch."""
        start, stop = run
        half = (self.block + 1) // 2
        first = start + int(rng.integers(half, half + self.block))
        inner = [cut for cut in range(first, stop, self.block) if stop - cut >= half]
        edges = [start, *inner, stop]
        return list(pairwise(edges))

    def _split(self, cut: tuple[int, int], rng: np.random.Generator) -> list[Batch]:
        start, stop = cut
        stocks = np.flatnonzero(self.universe[start:stop].any(axis=0))
        count = max(1, min(self.parts, len(stocks) // _FEWEST))
        links = None if self.neighbours is None else self.neighbours(start)
        groups = clusters(stocks, links, rng) if count > 1 else [stocks]
        return [
            Batch(start=start, stop=stop, stocks=np.sort(np.concatenate(part)))
            for part in _deal(groups, count)
            if len(part)
        ]


def _deal(groups: Sequence[np.ndarray], count: int) -> list[list[np.ndarray]]:
    """Deal groups to parts, each to the smallest so far."""
    parts: list[list[np.ndarray]] = [[] for _ in range(count)]
    size = [0] * count
    for group in groups:
        smallest = size.index(min(size))
        parts[smallest].append(group)
        size[smallest] += len(group)
    return parts
