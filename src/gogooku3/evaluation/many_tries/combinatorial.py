"""Combinatorial purged cross-validation: many test paths from few blocks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from jaxtyping import Float64, Int64

from gogooku3.axes import BoolD, IntD
from gogooku3.errors import EvaluationError, SplitError
from gogooku3.splits.fold import Fold
from gogooku3.splits.purge import Parts, purged

_MOST_SPLITS = 5_000


@dataclass(frozen=True, kw_only=True)
class CombinatorialPurged:
    """Every choice of ``tested`` out of ``groups`` contiguous blocks is tested once by a model trained on the rest.

    Each block is then tested ``paths`` times, by models that differ; one test of every block makes a path over all
    sessions. Splits are in lexicographic order; path p takes block g from the p-th split that tests it.

    Attributes:
        groups: Blocks of sessions, as equal in length as possible.
        tested: Blocks tested by each split.
        reach: Longest trained horizon plus lag, in sessions.
        embargo: Sessions after each test span that are not trained on.

    Raises:
        SplitError: ``tested`` is not between 1 and ``groups - 1``, or there are more than 5,000 splits.

    Source: López de Prado, Advances in Financial Machine Learning (2018), chapter 12.
    """

    groups: int
    tested: int
    reach: int
    embargo: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.tested < self.groups or comb(self.groups, self.tested) > _MOST_SPLITS:
            raise SplitError(
                "blocks cannot be combined",
                got=f"{self.tested} tested of {self.groups} groups",
                expected=f"1 <= tested < groups and at most {_MOST_SPLITS} splits",
            )

    @property
    def splits(self) -> tuple[tuple[int, ...], ...]:
        """The tested blocks of each split, [S, tested]."""
        return tuple(combinations(range(self.groups), self.tested))

    @property
    def paths(self) -> int:
        """How often each block is tested: ``C(groups - 1, tested - 1)``."""
        return comb(self.groups - 1, self.tested - 1)

    @property
    def path_splits(self) -> Int64[np.ndarray, "P G"]:
        """The split that each path takes each block from."""
        columns = [[s for s, tested in enumerate(self.splits) if g in tested] for g in range(self.groups)]
        return np.array(columns, dtype=np.int64).T

    def group_of(self, usable: BoolD) -> IntD:
        """Return the block of each session, -1 where it has no rows, [D].

        Raises:
            SplitError: There are fewer usable sessions than blocks.
        """
        rows = np.flatnonzero(usable)
        if rows.size < self.groups:
            raise SplitError(
                "there are fewer sessions than blocks",
                where="usable sessions",
                got=rows.size,
                expected=f"at least {self.groups}",
            )
        group = np.full(len(usable), -1, dtype=np.int64)
        for number, block in enumerate(np.array_split(rows, self.groups)):
            group[block] = number
        return group

    def folds(self, usable: BoolD) -> tuple[Fold, ...]:
        """Return one fold per split, named after its tested blocks, counted from 1; no validation part.

        Args:
            usable: Sessions that have any rows [D].

        Raises:
            SplitError: There are fewer usable sessions than blocks, or a fold has nothing left to train on.
        """
        group = self.group_of(usable)
        nothing = np.empty(0, dtype=np.int64)
        folds = []
        for tested in self.splits:
            inside = np.isin(group, tested)
            parts = Parts(
                train=np.flatnonzero(~inside & (group >= 0)), validation=nothing, test=np.flatnonzero(inside)
            )
            kept = purged(parts, reach=self.reach, embargo=self.embargo)
            folds.append(
                Fold(
                    name=f"{' and '.join(str(g + 1) for g in tested)} of {self.groups}",
                    train=kept.train,
                    validation=kept.validation,
                    test=kept.test,
                    reach=self.reach,
                    embargo=self.embargo,
                )
            )
        return tuple(folds)

    def recombine(self, series: Float64[np.ndarray, "S D"], usable: BoolD) -> Float64[np.ndarray, "P D"]:
        """Put the tests of all splits together as paths over all sessions, NaN where a split has no value.

        Args:
            series: A daily series of each split, such as its RankIC; only its tested sessions are read.
            usable: Sessions that have any rows, as for ``folds``.

        Raises:
            EvaluationError: The series do not have one row per split and one column per session.
        """
        expected = (len(self.splits), len(usable))
        if series.shape != expected:
            raise EvaluationError("series do not match the splits", got=series.shape, expected=expected)
        group = self.group_of(usable)
        paths = np.full((self.paths, len(usable)), np.nan)
        for path, splits in enumerate(self.path_splits):
            for block, split in enumerate(splits):
                rows = group == block
                paths[path, rows] = series[split, rows]
        return paths
