"""Walk-forward folds by calendar year, quarter or month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolD
from gogooku3.errors import SplitError
from gogooku3.splits.cadence_settings import CadenceName
from gogooku3.splits.fold import Fold
from gogooku3.splits.purge import Parts, purged
from gogooku3.splits.settings import SplitSettings
from gogooku3.splits.walk_forward import WalkForward

_MONTHS: dict[CadenceName, int] = {"yearly": 12, "quarterly": 3, "monthly": 1}
_YEAR = 12


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """The test years of ``WalkForward``, each period of them predicted by models fitted right before it.

    The 12 months before a period are for stopping, everything before them for training, purged by label span as
    the years are. The first period of a year is fitted as its year would be; the later ones know more. Yearly
    folds are those of ``WalkForward`` themselves.

    Attributes:
        settings: Which years.
        cadence: How long a period is.
        reach: Sessions until the label at the longest trained horizon and lag is known.
    """

    settings: SplitSettings
    cadence: CadenceName
    reach: int

    def folds(self, sessions: np.ndarray, usable: BoolD, *, locked: bool = False) -> tuple[Fold, ...]:
        """Return the folds in order, or, if ``locked``, only those of the locked years.

        Args:
            sessions: datetime64[D] [D], increasing.
            usable: Sessions that have any rows [D]; the folds hold only these, and a period without any has none.
            locked: Ask for the years that are kept back. Opening them is an event to be written down.

        Raises:
            SplitError: The years do not fit the data, or no session is left for stopping before a period.
        """
        years = WalkForward(settings=self.settings, reach=self.reach).folds(sessions, usable, locked=locked)
        if self.cadence == "yearly":
            return years
        months: np.ndarray = sessions.astype("datetime64[M]").astype(np.int64)  # since January 1970
        return tuple(fold for year in years for fold in self._periods(year, months, usable))

    def _periods(self, year: Fold, months: np.ndarray, usable: BoolD) -> Iterator[Fold]:
        length = _MONTHS[self.cadence]
        period = months[year.test] // length
        for number in np.unique(period):
            first = int(number) * length
            parts = Parts(
                train=np.flatnonzero((months < first - _YEAR) & usable),
                validation=np.flatnonzero((months >= first - _YEAR) & (months < first) & usable),
                test=year.test[period == number],
            )
            yield self._fold(_name(first, length), purged(parts, reach=self.reach), locked=year.locked)

    def _fold(self, name: str, parts: Parts, *, locked: bool) -> Fold:
        if parts.validation.size == 0:
            raise SplitError(
                "no session is left for stopping",
                where=f"fold {name}",
                expected=f"12 months before it with more than {self.reach} sessions that have rows",
                remedy="start testing a year later or train shorter horizons",
            )
        return Fold(
            name=name,
            train=parts.train,
            validation=parts.validation,
            test=parts.test,
            reach=self.reach,
            locked=locked,
        )


def _name(first: int, length: int) -> str:
    """Return ``2020-03`` or ``2020Q1`` for the period that begins with a month since January 1970."""
    year, month = 1970 + first // _YEAR, first % _YEAR
    return f"{year}-{month + 1:02d}" if length == 1 else f"{year}Q{month // length + 1}"
