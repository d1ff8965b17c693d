"""The cross-sectional correlation of every session, and why some sessions have none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolD, BoolDN, FloatD, FloatDN, IntD
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.blocks import row_blocks
from gogooku3.ranks import average_ranks


@dataclass(frozen=True, eq=False, kw_only=True)
class DailyCorrelation:
    """One correlation a session, NaN where there is none.

    Attributes:
        values: The correlations, [D].
        names: Stocks with both a score and a label, [D].
        too_few: True where there are fewer than the least number of names, [D].
        constant: True where there are enough names and all have the same score, [D].
        constant_label: True where there are enough names and all have the same label, [D].
    """

    values: FloatD
    names: IntD
    too_few: BoolD
    constant: BoolD
    constant_label: BoolD

    @property
    def days(self) -> int:
        """Sessions with a value."""
        return int(np.isfinite(self.values).sum())


def correlate(score: FloatDN, label: FloatDN, *, min_names: int, ranked: bool) -> DailyCorrelation:
    """Return the Pearson correlation of each session, of ranks (Spearman's) where ``ranked``.

    Args:
        score: Scores [D, N], NaN where none.
        label: Labels [D, N], NaN where none.
        min_names: A session with fewer names has no value.
        ranked: Rank both over the names that have both, ties by average rank.

    Raises:
        EvaluationError: The shapes differ, a value is infinite, or the score is constant on every session
            with enough names.
    """
    days = len(score)
    values, names = np.full(days, np.nan), np.zeros(days, dtype=np.int64)
    constant, constant_label = np.zeros(days, dtype=bool), np.zeros(days, dtype=bool)
    paired = paired_names(score, label)
    for rows in row_blocks(days):
        both = paired[rows]
        left, right = (np.where(both, grid[rows], np.nan) for grid in (score, label))
        names[rows] = both.sum(axis=1)
        constant[rows], constant_label[rows] = _constant(left, both), _constant(right, both)
        if ranked:
            left, right = average_ranks(left), average_ranks(right)
        values[rows] = _pearson(left, right, both)
    too_few = names < min_names
    constant, constant_label = constant & ~too_few, constant_label & ~too_few
    values[too_few | constant | constant_label] = np.nan
    if constant.any() and (too_few | constant).all():
        raise EvaluationError(
            "a constant score is an error of the model",
            got=f"the same score for every stock on all {int(constant.sum())} sessions with enough names",
            expected="scores that tell stocks apart",
            remedy="look at the model's fit: its inputs may be constant or its training may have collapsed",
        )
    return DailyCorrelation(
        values=values, names=names, too_few=too_few, constant=constant, constant_label=constant_label
    )


def paired_names(score: FloatDN, label: FloatDN) -> BoolDN:
    """Return where both a score and a label exist, [D, N].

    Raises:
        EvaluationError: The shapes differ, or a value is infinite.
    """
    if score.shape != label.shape:
        raise EvaluationError("scores and labels are not aligned", got=score.shape, expected=label.shape)
    for name, grid in (("scores", score), ("labels", label)):
        infinite = np.isinf(grid)
        if infinite.any():
            day, stock = np.argwhere(infinite)[0]
            raise EvaluationError(
                f"{name} hold infinite values", where=f"row {day}, stock {stock}", expected="finite or NaN"
            )
    both: BoolDN = ~(np.isnan(score) | np.isnan(label))
    return both


def _constant(grid: FloatDN, paired: BoolDN) -> BoolD:
    low = np.min(grid, axis=1, where=paired, initial=np.inf)
    high = np.max(grid, axis=1, where=paired, initial=-np.inf)
    same: BoolD = low == high
    return same


def _pearson(left: FloatDN, right: FloatDN, paired: BoolDN) -> FloatD:
    names = np.maximum(paired.sum(axis=1), 1)
    x, y = _centred(left, paired, names), _centred(right, paired, names)
    scale = np.sqrt(np.einsum("dn,dn->d", x, x) * np.einsum("dn,dn->d", y, y))
    values = np.full(len(names), np.nan)
    np.divide(np.einsum("dn,dn->d", x, y), scale, out=values, where=scale > 0)
    return values


def _centred(grid: FloatDN, paired: BoolDN, names: np.ndarray) -> FloatDN:
    kept = np.where(paired, grid, 0.0)
    kept -= (kept.sum(axis=1) / names)[:, None]
    return np.where(paired, kept, 0.0)
