"""The distribution that later values are held against, in fixed bins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Int64

from gogooku3.errors import EvaluationError

Counts = Int64[np.ndarray, "_"]


@dataclass(frozen=True, kw_only=True)
class ReferenceBins:
    """Bins with about equally many reference values each.

    Bin 0 is up to and including the first edge, the last one above the last edge. A value that fills a bin or more
    by itself has a bin of its own, so a feature of few values, or a constant one, is watched too.

    Attributes:
        edges: Upper ends of all bins but the last, increasing.
        counts: Reference values in each bin.
        missing: Reference values that are NaN.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int

    @property
    def values(self) -> int:
        """Reference values that are not missing."""
        return sum(self.counts)

    @property
    def missing_rate(self) -> float:
        """Share of the reference values that are NaN."""
        return self.missing / (self.missing + self.values)

    def count(self, values: np.ndarray) -> Counts:
        """Return how many of the values fall into each bin; NaN into none.

        Args:
            values: Any shape; infinite values fall into the outer bins.
        """
        known = np.asarray(values, dtype=np.float64)
        known = known[~np.isnan(known)]
        placed = np.searchsorted(np.array(self.edges), known, side="left")
        counts: Counts = np.bincount(placed, minlength=len(self.edges) + 1).astype(np.int64)
        return counts


def reference_bins(values: np.ndarray, *, bins: int = 10) -> ReferenceBins:
    """Cut the reference values, those of the training fold, into bins.

    Args:
        values: Any shape, NaN where missing.
        bins: Number of bins; heavy ties may give fewer or, around values with a bin of their own, more.

    Raises:
        EvaluationError: There are fewer values than bins, or fewer than two bins.
    """
    given = np.asarray(values, dtype=np.float64)
    known = np.sort(given[~np.isnan(given)])
    if bins < 2 or known.size < bins:
        raise EvaluationError(
            "there is no reference distribution",
            got=f"{known.size} values for {bins} bins",
            expected="a value a bin",
        )
    inner = np.arange(1, bins) * known.size // bins
    cuts = known[inner - 1]  # the last value of each bin
    heavy = [low for low, high in pairwise([known[0], *cuts]) if low == high]
    below = np.nextafter(np.array(heavy), -np.inf)
    edges = np.unique(np.concatenate([cuts, below]))
    up_to = np.searchsorted(known, edges, side="right")
    counts = np.diff(up_to, prepend=0, append=known.size)
    return ReferenceBins(
        edges=tuple(map(float, edges)), counts=tuple(map(int, counts)), missing=int(given.size - known.size)
    )
