"""Copy a block's features onto another stock axis."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from gogooku3.axes import StoredLNF


def gather(features: StoredLNF, held: np.ndarray, wanted: np.ndarray, out: np.ndarray) -> None:
    """Fill ``out`` with the rows of the wanted stocks, NaN for those that the block does not hold.

    Stocks that lie side by side on both axes are copied together; where most do, this is one copy of memory.

    Args:
        features: [L, Ns, F].
        held: Index of each of the Ns stocks, increasing, int64 [Ns].
        wanted: Index of each of the N stocks of ``out``, int64 [N].
        out: float32 [L, N, F], contiguous along its last two axes.
    """
    if np.array_equal(held, wanted):
        np.copyto(out, features)
        return
    if not len(held):
        out[:] = np.nan
        return
    place = np.searchsorted(held, wanted)
    place[place == len(held)] = 0
    known = held[place] == wanted
    run = np.flatnonzero(known)
    source = place[run]
    breaks = np.flatnonzero((np.diff(run) != 1) | (np.diff(source) != 1)) + 1
    if len(breaks) + 1 > _FEW_RUNS * len(run):
        _rows(features, place, out)
    else:
        for a, b in pairwise([0, *breaks.tolist(), len(run)]):
            out[:, run[a] : run[a] + b - a] = features[:, source[a] : source[a] + b - a]
    if len(run) < len(wanted):
        out[:, ~known] = np.nan


_FEW_RUNS = 0.05


def _rows(features: StoredLNF, place: np.ndarray, out: np.ndarray) -> None:
    """Copy row by row, straight into ``out``; the rows of stocks that are not held are anything."""
    for day, into in zip(features, out, strict=True):
        if day.dtype == out.dtype:
            np.take(day, place, axis=0, out=into, mode="clip")
        else:
            into[:] = day[place]
