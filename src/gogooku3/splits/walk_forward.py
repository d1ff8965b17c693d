"""Walk-forward folds by calendar year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from gogooku3.axes import BoolD
from gogooku3.errors import SplitError
from gogooku3.splits.fold import Fold
from gogooku3.splits.purge import Parts, purged
from gogooku3.splits.settings import SplitSettings

_Years = Int64[np.ndarray, "_"]


@dataclass(frozen=True, kw_only=True)
class WalkForward:
    """Each test year is predicted by models that saw only earlier years, purged by label span.

    The year before the test year is for stopping, everything before that for training. An embargo has no
    place here, as nothing after a test year is ever trained on; ``PurgedKFold`` has one.

    Attributes:
        settings: Which years.
        reach: Sessions until the label at the longest trained horizon and lag is known.
    """

    settings: SplitSettings
    reach: int

    def folds(self, sessions: np.ndarray, usable: BoolD, *, locked: bool = False) -> tuple[Fold, ...]:
        """Return the folds in order of their test years, or, if ``locked``, only those of the locked years.

        Args:
            sessions: datetime64[D] [D], increasing.
            usable: Sessions that have any rows [D]; the folds hold only these.
            locked: Ask for the years that are kept back. Opening them is an event to be written down.

        Raises:
            SplitError: The years asked for do not fit the data, or the first fold has too little to train on.
        """
        years = _years(sessions)
        known = np.unique(years)
        held_back = self._held_back(known)
        if locked:
            tested = self._locked_years(known, held_back, years, usable)
        else:
            tested = self._tested_years(known[: known.size - held_back.size], years, usable)
        return tuple(self._fold(int(year), years, usable, year in held_back) for year in tested)

    def locked_from(self, sessions: np.ndarray) -> int:
        """Return the index of the first session that is kept back, D if none is.

        A label of the last test year may end in the locked one; whoever must not see a single locked price
        cuts the labels here.
        """
        years = _years(sessions)
        known = np.unique(years)
        held_back = self._held_back(known)
        return int(np.searchsorted(years, held_back[0])) if held_back.size else len(sessions)

    def _held_back(self, known: _Years) -> _Years:
        if self.settings.first_locked_year is not None:
            return known[known >= self.settings.first_locked_year]
        return known[known.size - min(self.settings.locked_years, known.size) :]

    def _locked_years(self, known: _Years, held_back: _Years, years: _Years, usable: BoolD) -> _Years:
        need = self.settings.min_train_sessions
        trained = self._train_sessions(int(held_back[0]), years, usable) if held_back.size else 0
        if trained < need:
            raise SplitError(
                "no locked year can be tested",
                where="splits.locked_years, splits.min_train_sessions",
                got=f"{self.settings.locked_years} locked of {_listed(known)}, {trained} to train on",
                expected=f"at least 1 locked, and {need} sessions with rows to train on",
                remedy="lock fewer years, lower min_train_sessions, or bring more history",
            )
        return held_back

    def _tested_years(self, open_years: _Years, years: _Years, usable: BoolD) -> _Years:
        first = self.settings.first_test_year
        wanted = self.settings.test_years
        start = open_years.size - wanted if first is None else int(np.searchsorted(open_years, first))
        tested = open_years[max(start, 0) : max(start, 0) + wanted]
        unfit = start < 2 or tested.size < wanted or (first is not None and tested[0] != first)
        if unfit or self._train_sessions(int(tested[0]), years, usable) < self.settings.min_train_sessions:
            raise self._too_little(open_years, years, usable)
        return tested

    def _too_little(self, open_years: _Years, years: _Years, usable: BoolD) -> SplitError:
        """Say how many test years would fit, and from which year on."""
        need = self.settings.min_train_sessions
        counts = {int(year): self._train_sessions(int(year), years, usable) for year in open_years[2:]}
        possible = [year for year, count in counts.items() if count >= need]
        found = ", ".join(f"{year}: {count}" for year, count in counts.items()) or "none"
        first = self.settings.first_test_year
        asked = f"{self.settings.test_years} test years" + ("" if first is None else f" from {first}")
        fits = f"{len(possible)} test years fit, from {possible[0]}" if possible else "no test year fits"
        return SplitError(
            f"the test years do not fit the data: {fits}",
            where="splits.test_years, splits.first_test_year, splits.locked_years, splits.min_train_sessions",
            got=f"{asked}; {_listed(open_years)} open, {self.settings.locked_years} locked; "
            f"sessions to train on before each possible test year: {found}",
            expected=f"two years before the first test year, and {need} sessions with rows to train on",
            remedy="test or lock fewer years, lower min_train_sessions, or bring more history",
        )

    def _train_sessions(self, year: int, years: _Years, usable: BoolD) -> int:
        return int(self._parts(year, years, usable).train.size)

    def _parts(self, year: int, years: _Years, usable: BoolD) -> Parts:
        """Split at the calendar years that are in the data, and purge."""
        before = np.unique(years[years < year])
        stopping = before[-1] if before.size else year
        parts = Parts(
            train=np.flatnonzero((years < stopping) & usable),
            validation=np.flatnonzero((years == stopping) & (years < year) & usable),
            test=np.flatnonzero((years == year) & usable),
        )
        return purged(parts, reach=self.reach)

    def _fold(self, year: int, years: _Years, usable: BoolD, locked: bool) -> Fold:
        parts = self._parts(year, years, usable)
        if parts.validation.size == 0:
            raise SplitError(
                "no session is left for stopping",
                where=f"fold {year}",
                expected=f"a year before it with more than {self.reach} sessions that have rows",
                remedy="start testing a year later or train shorter horizons",
            )
        return Fold(
            name=str(year),
            train=parts.train,
            validation=parts.validation,
            test=parts.test,
            reach=self.reach,
            locked=locked,
        )


def _years(sessions: np.ndarray) -> _Years:
    years: _Years = sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    return years


def _listed(years: _Years) -> str:
    return f"{years[0]} to {years[-1]}" if years.size else "no year"
