"""How often the trial that looks best is worse than most on days it was not chosen by."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Literal

import numpy as np
from jaxtyping import Float64

from gogooku3.errors import EvaluationError
from gogooku3.ranks import average_ranks

Measure = Literal["ratio", "mean"]
BlockSums = Float64[np.ndarray, "S M"]
HalfGrid = Float64[np.ndarray, "C M"]
PerHalf = Float64[np.ndarray, "C"]

_AT_ONCE = 512  # halves that are ranked together
_MOST_BLOCKS = 20  # 184,756 halves


@dataclass(frozen=True, eq=False, kw_only=True)
class Overfitting:
    """What combinatorially symmetric cross-validation (CSCV) found.

    Attributes:
        probability: Probability of backtest overfitting (PBO): share of halves in which the trial that is best
            inside ranks at or below the median outside.
        logits: ``log(w / (1 - w))`` of its relative rank w outside, per half, [C].
        inside: Its measure inside, [C].
        outside: Its measure outside, [C].
        loss_probability: Share of halves in which its measure outside is below 0.
        slope: Of ``outside`` on ``inside`` by least squares; negative is overfitting. NaN if ``inside`` is constant.
        trials: Trials compared.
        without_series: Trials that could not be.
        days: Days used.
        days_left_out: Days on which a trial has no value.
    """

    probability: float
    logits: PerHalf
    inside: PerHalf
    outside: PerHalf
    loss_probability: float
    slope: float
    trials: int
    without_series: int
    days: int
    days_left_out: int


def overfitting(
    series: np.ndarray, *, blocks: int = 16, measure: Measure = "ratio", without_series: int = 0
) -> Overfitting:
    """Choose the best trial on every half of the blocks of days and rank it on the other half.

    The days are cut into ``blocks`` runs of equal length (by one day at most). Ties share their mean rank; of
    several that are best inside, the first is chosen. A trial that does not vary within a half has ratio 0 there.

    Args:
        series: Daily returns or RankIC, a column a trial, NaN where none, [D, M].
        blocks: Even number of blocks; each half takes half of them.
        measure: What a trial was chosen by: mean over standard deviation, or mean.
        without_series: Trials that failed or were pruned: reported, as they cannot be ranked.

    Raises:
        EvaluationError: Fewer than two trials, an odd or excessive number of blocks, fewer than two days a block,
            an infinite value, or a trial that never varies.

    Source: Bailey, Borwein, López de Prado and Zhu (2017), "The Probability of Backtest Overfitting".
    """
    kept, left_out = _checked(series, blocks)
    sums = _block_sums(kept, blocks)
    parts = [_chosen(halves, sums, measure) for halves in _halves(blocks)]
    rank, inside, outside = (np.concatenate(column) for column in zip(*parts, strict=True))
    relative = rank / (kept.shape[1] + 1)
    spread = inside - inside.mean()
    return Overfitting(
        probability=float((relative <= 0.5).mean()),
        logits=np.log(relative / (1 - relative)),
        inside=inside,
        outside=outside,
        loss_probability=float((outside < 0).mean()),
        slope=float(spread @ outside / (spread @ spread)) if np.ptp(inside) > 0 else math.nan,
        trials=kept.shape[1],
        without_series=without_series,
        days=len(kept),
        days_left_out=left_out,
    )


def check_blocks(blocks: int) -> None:
    """Check a number of blocks.

    Raises:
        EvaluationError: It is odd, below 2 or above 20.
    """
    if blocks % 2 or not 2 <= blocks <= _MOST_BLOCKS:
        raise EvaluationError(
            "blocks cannot be halved", got=blocks, expected=f"an even number from 2 to {_MOST_BLOCKS}"
        )


def _checked(series: np.ndarray, blocks: int) -> tuple[np.ndarray, int]:
    check_blocks(blocks)
    if series.ndim != 2 or series.shape[1] < 2:
        raise EvaluationError(
            "too few trials to choose from", got=series.shape, expected="[D, M] with M >= 2"
        )
    common = ~np.isnan(series).any(axis=1)
    kept = series[common].astype(np.float64)
    if len(kept) < 2 * blocks:
        raise EvaluationError(
            "trials have too few days in common",
            got=f"{len(kept)} of {len(series)} days",
            expected=f"at least {2 * blocks}, two for each of {blocks} blocks",
            remedy="leave out trials without a series, or use fewer blocks",
        )
    if not np.isfinite(kept).all() or (np.ptp(kept, axis=0) == 0).any():
        raise EvaluationError(
            "a trial's series cannot be compared", expected="finite values that vary in every column"
        )
    return kept, int((~common).sum())


def _block_sums(kept: np.ndarray, blocks: int) -> tuple[np.ndarray, BlockSums, BlockSums, np.ndarray]:
    """Return days, sums and sums of squares of each block around the trials' means, and those means."""
    centre = kept.mean(axis=0)
    cuts = [len(part) for part in np.array_split(kept, blocks)]
    starts = np.cumsum([0, *cuts[:-1]])
    centred = kept - centre
    days = np.array(cuts, dtype=np.float64)
    return days, np.add.reduceat(centred, starts), np.add.reduceat(centred**2, starts), centre


def _halves(blocks: int) -> Iterator[Float64[np.ndarray, "C S"]]:
    every = combinations(range(blocks), blocks // 2)
    while rows := list(islice(every, _AT_ONCE)):
        chosen = np.zeros((len(rows), blocks))
        np.put_along_axis(chosen, np.array(rows), 1.0, axis=1)
        yield chosen


def _chosen(
    halves: np.ndarray, sums: tuple[np.ndarray, BlockSums, BlockSums, np.ndarray], measure: Measure
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rank outside, measure inside and measure outside of the best inside, of each half."""
    inside, outside = _measured(halves, sums, measure), _measured(1 - halves, sums, measure)
    best = inside.argmax(axis=1)
    row = np.arange(len(best))
    return average_ranks(outside)[row, best], inside[row, best], outside[row, best]


def _measured(
    halves: np.ndarray, sums: tuple[np.ndarray, BlockSums, BlockSums, np.ndarray], measure: Measure
) -> HalfGrid:
    days, first, second, centre = sums
    count = (halves @ days)[:, None]
    offset = halves @ first / count
    mean: HalfGrid = offset + centre
    if measure == "mean":
        return mean
    squares = halves @ second
    varied = squares - count * offset**2
    ratio = np.zeros_like(mean)
    deviation = np.sqrt(np.maximum(varied, 0) / (count - 1))
    np.divide(mean, deviation, out=ratio, where=varied > 1e-12 * squares)
    return ratio
