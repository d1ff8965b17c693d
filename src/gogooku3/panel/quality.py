"""Features that say nothing are named and refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from gogooku3.axes import FeatureLNF
from gogooku3.errors import PanelError


class FeatureQuality:
    """Counts over all segments of a build, so that a dead feature is found without holding them.

    Attributes:
        names: The F features.
        values: Values looked at per feature, the same for all.
        finite: Finite values per feature, int64 [F].
        minimum, maximum: Range of the values that are no NaN, float32 [F]; NaN where there is none.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.values = 0
        self.finite = np.zeros(len(self.names), dtype=np.int64)
        self.minimum = np.full(len(self.names), np.nan, dtype=np.float32)
        self.maximum = np.full(len(self.names), np.nan, dtype=np.float32)

    def add(self, features: FeatureLNF) -> None:
        """Count a block [L, Ns, F]."""
        if features.shape[-1] != len(self.names):
            raise PanelError(
                "a block has another number of features", got=features.shape[-1], expected=len(self.names)
            )
        for day in features:
            self.values += len(day)
            self.finite += np.isfinite(day).sum(axis=0)
            if len(day):
                self.minimum = np.fmin(self.minimum, np.fmin.reduce(day, axis=0))
                self.maximum = np.fmax(self.maximum, np.fmax.reduce(day, axis=0))

    @property
    def missing(self) -> list[float]:
        """Share of values that are missing, by feature."""
        return [1 - int(count) / max(1, self.values) for count in self.finite]

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong with each faulty feature, by name: infinite, null or constant.

        A feature with one value where it is known and null elsewhere counts as constant.
        """
        found = {}
        for name, finite, low, high in zip(self.names, self.finite, self.minimum, self.maximum, strict=True):
            if np.isinf(low) or np.isinf(high):
                found[name] = "has infinite values"
            elif finite == 0:
                found[name] = "is null everywhere"
            elif low == high:
                found[name] = f"is constant ({low:g})"
        return found

    def refuse(self, allowed: Collection[str] = ()) -> dict[str, str]:
        """Refuse null and constant features unless allowed by name, and infinite ones always.

        Returns:
            The faults that were allowed, by name.

        Raises:
            PanelError: A feature is refused, or an allowed name is no feature.
        """
        unknown = sorted(set(allowed) - set(self.names))
        if unknown:
            raise PanelError("an allowed feature does not exist", got=", ".join(unknown))
        faults = self.faults
        refused = {
            name: fault
            for name, fault in faults.items()
            if name not in allowed or fault == "has infinite values"
        }
        if refused:
            raise PanelError(
                "features that say nothing are refused",
                got="; ".join(f"{name} {fault}" for name, fault in refused.items()),
                expected="at least two different finite values each, and no infinite one",
                remedy="mend or drop them; a null or constant feature can be allowed by name",
            )
        return faults
