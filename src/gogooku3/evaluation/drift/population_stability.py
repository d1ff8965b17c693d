"""The population stability index."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.reference_bins import ReferenceBins
from gogooku3.evaluation.drift.settings import DriftSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class PopulationStability:
    """How far values have moved from their reference.

    Attributes:
        name: Feature or model.
        index: The population stability index (PSI), NaN where there is no value.
        floor: What it is expected to be if nothing has moved and all values are independent.
        shares: Share of the values in each bin.
        reference_shares: The same of the reference.
        values: Values that are not missing.
    """

    name: str
    index: float
    floor: float
    shares: np.ndarray
    reference_shares: np.ndarray
    values: int

    def alarm(self, settings: DriftSettings) -> DriftAlarm | None:
        """Return an alarm where the index is above ``settings.max_psi``."""
        if not self.index > settings.max_psi:
            return None
        bin_ = int(np.argmax(np.abs(self.shares - self.reference_shares)))
        return DriftAlarm(
            kind="stability",
            name=self.name,
            seen=self.index,
            threshold=settings.max_psi,
            text=(
                f"{self.name} has moved: PSI {self.index:.2f}, above {settings.max_psi:.2f}; bin {bin_ + 1} of "
                f"{len(self.shares)} holds {self.shares[bin_]:.0%} of the values, {self.reference_shares[bin_]:.0%} "
                "in training."
            ),
        )


def population_stability(reference: ReferenceBins, values: np.ndarray, *, name: str) -> PopulationStability:
    """Return ``PSI = sum over bins of (p - q) ln(p / q)``.

    Shares p of the values and q of the reference are ``(count + 1/2) / (total + bins / 2)``, so that an empty bin
    is no infinity. If both samples are independent draws of one distribution, the expectation is about
    ``(bins - 1) (1/n + 1/m)``: below a hundred values an index says little. Values of one session move together, so
    that a window of few sessions moves more than that.

    Args:
        reference: Fixed bins of the training fold.
        values: Raw model outputs, before any ranking, or one feature; any shape, NaN where missing.
        name: Of the feature or model.

    Raises:
        EvaluationError: A value is infinite.

    Source: Siddiqi (2006), Credit Risk Scorecards; Yurdakul (2018), "Statistical Properties of Population Stability
    Index", for the expectation.
    """
    if np.isinf(values).any():
        raise EvaluationError("a watched value is infinite", where=name, expected="finite or NaN")
    counts = reference.count(values)
    total = int(counts.sum())
    p, q = _shares(counts), _shares(np.array(reference.counts))
    index = float(((p - q) * np.log(p / q)).sum()) if total else math.nan
    floor = (len(counts) - 1) * (1 / total + 1 / reference.values) if total else math.nan
    return PopulationStability(
        name=name, index=index, floor=floor, shares=p, reference_shares=q, values=total
    )


def _shares(counts: np.ndarray) -> np.ndarray:
    smoothed: np.ndarray = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return smoothed
