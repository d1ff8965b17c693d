"""How many values of a feature are missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.reference_bins import ReferenceBins
from gogooku3.evaluation.drift.settings import DriftSettings


@dataclass(frozen=True, kw_only=True)
class MissingRate:
    """Share of the values that are missing, beside that of the reference.

    Attributes:
        name: Feature or model.
        rate: Share that is NaN.
        reference: Share of the reference that was.
        values: All values, missing ones included.
    """

    name: str
    rate: float
    reference: float
    values: int

    def alarm(self, settings: DriftSettings) -> DriftAlarm | None:
        """Return an alarm where the rate has risen by more than ``settings.max_missing_rise``."""
        rise = self.rate - self.reference
        if not rise > settings.max_missing_rise:
            return None
        return DriftAlarm(
            kind="missing",
            name=self.name,
            seen=rise,
            threshold=settings.max_missing_rise,
            text=f"{self.name} is missing for {self.rate:.1%} of the stock-days, {self.reference:.1%} in training.",
        )


def missing_rate(reference: ReferenceBins, values: np.ndarray, *, name: str) -> MissingRate:
    """Measure how many values are missing.

    Args:
        reference: The training fold's, which counted what was missing there.
        values: One feature of the stock-days in the universe; any shape, NaN where missing.
        name: Of the feature.

    Raises:
        EvaluationError: There is no value at all.
    """
    if values.size == 0:
        raise EvaluationError("there is nothing to watch", where=name, expected="at least one stock-day")
    return MissingRate(
        name=name,
        rate=float(np.isnan(values).mean()),
        reference=reference.missing_rate,
        values=int(values.size),
    )
