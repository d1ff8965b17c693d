"""The calendar years that folds test."""

from __future__ import annotations

from collections.abc import Iterable

from gogooku3.splits.fold import Fold


def fold_years(folds: Iterable[Fold]) -> tuple[int, ...]:
    """Return the years of walk-forward folds, increasing; a name begins with its year: 2020, 2020Q1, 2020-03."""
    return tuple(sorted({int(fold.name[:4]) for fold in folds}))
