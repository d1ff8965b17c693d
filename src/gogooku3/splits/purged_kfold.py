"""Purged k-fold: contiguous test blocks, training on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolD
from gogooku3.errors import SplitError
from gogooku3.splits.fold import Fold
from gogooku3.splits.purge import Parts, purged


@dataclass(frozen=True, kw_only=True)
class PurgedKFold:
    """Each of k contiguous blocks is tested once by models trained on what lies clear of it on both sides.

    Source: López de Prado, Advances in Financial Machine Learning (2018), section 7.4. A training row before
    the block is dropped when its label runs into it; one after it, when its session is not past the last
    tested label and the embargo. There is no validation part.

    Attributes:
        k: Number of blocks, at least 2.
        reach: Sessions until the label at the longest trained horizon and lag is known.
        embargo: Sessions after each test span that are not trained on.

    Raises:
        SplitError: ``k`` is below 2, or a fold has nothing left to train on.
    """

    k: int
    reach: int
    embargo: int = 0

    def __post_init__(self) -> None:
        if self.k < 2:
            raise SplitError("too few folds", where="k", got=self.k, expected="at least 2")

    def folds(self, usable: BoolD) -> tuple[Fold, ...]:
        """Return k folds named ``1 of k`` and so on, over the sessions that have rows.

        Args:
            usable: Sessions that have any rows [D].
        """
        rows = np.flatnonzero(usable)
        if rows.size < self.k:
            raise SplitError(
                "there are fewer sessions than folds",
                where="usable sessions",
                got=rows.size,
                expected=f"at least k = {self.k}",
            )
        nothing = np.empty(0, dtype=np.int64)
        folds = []
        for number, block in enumerate(np.array_split(rows, self.k), start=1):
            parts = Parts(train=np.setdiff1d(rows, block), validation=nothing, test=block)
            kept = purged(parts, reach=self.reach, embargo=self.embargo)
            folds.append(
                Fold(
                    name=f"{number} of {self.k}",
                    train=kept.train,
                    validation=kept.validation,
                    test=kept.test,
                    reach=self.reach,
                    embargo=self.embargo,
                )
            )
        return tuple(folds)
