"""One fold, which cannot be built with an overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.errors import SplitError
from gogooku3.splits.purge import Indices, touches


@dataclass(frozen=True, eq=False, kw_only=True)
class Fold:
    """Sessions to train on, to stop on and to test on; their spans are disjoint by construction.

    The arrays are copied and cannot be written to.

    Attributes:
        name: Such as ``2018``.
        train: Session indices, int64, increasing, at least one.
        validation: Session indices that early stopping may look at; may be empty.
        test: Session indices that are predicted, at least one.
        reach: Sessions until the label at the longest trained horizon and lag is known; the span of row t is
            [t, t + reach].
        embargo: Sessions after the test span that are neither trained nor validated on.
        locked: True if the test sessions are kept back for the very end.

    Raises:
        SplitError: The spans of two parts touch, a part is not a list of increasing session indices, or there
            is nothing to train on or to test.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    reach: int
    embargo: int = 0
    locked: bool = False

    def __post_init__(self) -> None:
        if self.reach < 1 or self.embargo < 0:
            raise SplitError(
                "a fold's spans are impossible",
                where=f"fold {self.name}",
                got=f"reach {self.reach}, embargo {self.embargo}",
                expected="reach >= 1 and embargo >= 0",
            )
        for part in ("train", "validation", "test"):
            object.__setattr__(self, part, self._indices(part))
        self._disjoint("train", "validation", 0)
        self._disjoint("train", "test", self.embargo)
        self._disjoint("validation", "test", self.embargo)

    def _indices(self, part: str) -> Indices:
        given = np.asarray(getattr(self, part))
        sound = given.ndim == 1 and (given.size == 0 or given.dtype.kind in "iu")
        if not sound or (given < 0).any() or (np.diff(given.astype(np.int64)) <= 0).any():
            raise SplitError(
                "a part of a fold is not a list of session indices",
                where=f"fold {self.name}, {part}",
                got=f"{given.dtype} array of shape {given.shape}",
                expected="increasing integers >= 0",
            )
        if given.size == 0 and part != "validation":
            raise SplitError(
                f"a fold has no {part} session",
                where=f"fold {self.name}",
                remedy="use more history, shorter horizons or fewer folds",
            )
        indices = given.astype(np.int64)  # a copy
        indices.setflags(write=False)
        return indices

    def _disjoint(self, first: str, second: str, embargo: int) -> None:
        rows: Indices = getattr(self, first)
        overlap = rows[touches(rows, getattr(self, second), reach=self.reach, embargo=embargo)]
        if overlap.size:
            raise SplitError(
                f"a fold's {first} spans touch its {second} spans",
                where=f"fold {self.name}",
                got=f"{overlap.size} sessions, the first at index {overlap[0]}",
                expected=f"spans [t, t + {self.reach}] that are disjoint, embargo {embargo}",
                remedy="build folds with WalkForward or PurgedKFold, which purge them",
            )
