"""Copy a block's features onto another stock axis."""

from __future__ import annotations

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
    place = np.searchsorted(held, wanted)
    place[place == len(held)] = 0
    known = held[place] == wanted if len(held) else np.zeros(len(wanted), dtype=bool)
    if not known.all():
        out[:, ~known] = np.nan
    run = np.flatnonzero(known)
    source = place[run]
    breaks = np.flatnonzero((np.diff(run) != 1) | (np.diff(source) != 1)) + 1
    starts = np.concatenate([[0], breaks, [len(run)]])[: len(breaks) + 2]
    if len(starts) - 1 > _FEW_RUNS * max(1, len(run)):
        _rows(features, source, run, out)
        return
    for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if a < b:
            out[:, run[a] : run[a] + b - a] = features[:, source[a] : source[a] + b - a]


_FEW_RUNS = 0.05


def _rows(features: StoredLNF, source: np.ndarray, run: np.ndarray, out: np.ndarray) -> None:
    """Copy row by row; rows that fill ``out`` completely go there directly."""
    for day, into in zip(features, out, strict=True):
        if len(run) == out.shape[1] and day.dtype == out.dtype:
            np.take(day, source, axis=0, out=into, mode="clip")
        else:
            into[run] = day[source]
