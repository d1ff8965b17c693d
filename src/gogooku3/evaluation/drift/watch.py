"""One fold's values against those its models were fitted on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gogooku3.evaluation.drift.coverage import Coverage
from gogooku3.evaluation.drift.cusum import cusum
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.drift_report import Moved
from gogooku3.evaluation.drift.missing_rate import missing_rate
from gogooku3.evaluation.drift.population_stability import population_stability
from gogooku3.evaluation.drift.rank_ic_reference import rank_ic_reference
from gogooku3.evaluation.drift.reference_bins import ReferenceBins, reference_bins
from gogooku3.evaluation.drift.settings import DriftSettings

_LEAST_FREEDOM = (
    8  # of an earlier record: fewer leave its long-run deviation uncertain by more than a quarter
)
_KINDS = ("rank ic", "coverage", "stability", "missing")


@dataclass(frozen=True, eq=False, kw_only=True)
class Watch:
    """Collects what has moved, fold by fold.

    Attributes:
        settings: When a drift is an alarm.
        moved: Distributions looked at.
        alarms: In order of finding, the fold in front of each text.
        records: RankIC series looked at.
        unwatched: RankIC series whose earlier record is too short, or not above 0, so that nothing could be lost.
    """

    settings: DriftSettings
    moved: list[Moved]
    alarms: list[DriftAlarm]
    records: list[str]
    unwatched: list[str]

    @classmethod
    def empty(cls, settings: DriftSettings) -> Watch:
        """Return one that has seen nothing."""
        return cls(settings=settings, moved=[], alarms=[], records=[], unwatched=[])

    def feature(self, fold: str, name: str, reference: np.ndarray, values: np.ndarray) -> None:
        """Hold a feature's values against those of training, missing ones included; any shape, NaN where missing."""
        bins = self._bins(reference)
        self._distribution(fold, "feature", name, (reference, bins), values)
        if bins is not None and values.size:
            self._ring(fold, missing_rate(bins, values, name=name).alarm(self.settings))

    def score(
        self, fold: str, name: str, reference: np.ndarray, values: np.ndarray, *, missing: float
    ) -> None:
        """Hold a model's raw outputs against those on the rows it was fitted on.

        Args:
            fold: Whose test year it is.
            name: Of the model and target.
            reference: Outputs on training rows; any shape.
            values: Outputs in the test year; any shape.
            missing: Share of the test year's universe without one; `covered` raises the alarm about it.
        """
        self._distribution(fold, "score", name, (reference, self._bins(reference)), values)
        self.moved[-1] = replace(self.moved[-1], missing=missing)

    def covered(self, fold: str, coverage: Coverage) -> None:
        """Look for sessions that are not covered."""
        self._ring(fold, coverage.alarm(self.settings))

    def rank_ic(
        self,
        fold: str,
        name: str,
        earlier: np.ndarray,
        values: np.ndarray,
        *,
        horizon: int,
        sessions: np.ndarray,
    ) -> None:
        """Watch a fold's daily RankIC for the loss of what it was on earlier test days.

        The record has to be 32 times as long as the horizon, so that its long-run deviation is known well enough for
        a threshold, and its mean above 0.

        Args:
            fold: Whose test year it is.
            name: Of the model and target.
            earlier: Daily RankIC of the test years before, by the models of their own folds, NaN where none.
            values: Daily RankIC of this test year, NaN where none, [D].
            horizon: Sessions over which neighbouring labels overlap.
            sessions: Dates of ``values``, datetime64[D] array of shape [D].
        """
        known = earlier[np.isfinite(earlier)]
        record = f"{name} in {fold}"
        long = known.size / (4 * horizon) >= _LEAST_FREEDOM
        if not long or np.ptp(known) == 0 or not known.mean() > 0:
            self.unwatched.append(record)
            return
        reference = rank_ic_reference(known, horizon=horizon)
        self.records.append(record)
        found = cusum(values, reference=reference, name=name, settings=self.settings)
        self._ring(fold, found.alarm(sessions))

    def _bins(self, reference: np.ndarray) -> ReferenceBins | None:
        """Return None where training has fewer values than bins."""
        enough = np.count_nonzero(~np.isnan(reference)) >= self.settings.bins
        return reference_bins(reference, bins=self.settings.bins) if enough else None

    def _distribution(
        self,
        fold: str,
        kind: str,
        name: str,
        reference: tuple[np.ndarray, ReferenceBins | None],
        values: np.ndarray,
    ) -> None:
        """Note one distribution; its index is NaN where there are no bins or no values."""
        before, bins = reference
        found = population_stability(bins, values, name=name) if bins is not None else None
        self.moved.append(
            Moved(
                fold=fold,
                kind=kind,
                name=name,
                index=found.index if found else math.nan,
                floor=found.floor if found else math.nan,
                missing=_missing(values),
                missing_before=_missing(before),
            )
        )
        if found:
            self._ring(fold, found.alarm(self.settings))

    def _ring(self, fold: str, alarm: DriftAlarm | None) -> None:
        if alarm is not None:
            self.alarms.append(replace(alarm, text=f"{fold}: {alarm.text}"))


def most_severe_first(alarms: Iterable[DriftAlarm]) -> tuple[DriftAlarm, ...]:
    """Sort alarms by kind, RankIC first, and within a kind by how far they are beyond their threshold."""

    def beyond(alarm: DriftAlarm) -> tuple[int, float]:
        excess = abs(alarm.seen - alarm.threshold)
        return _KINDS.index(alarm.kind), -excess / alarm.threshold if alarm.threshold > 0 else -math.inf

    return tuple(sorted(alarms, key=beyond))


def _missing(values: np.ndarray) -> float:
    return float(np.isnan(values).mean()) if values.size else math.nan
