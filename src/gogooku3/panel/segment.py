"""A run of sessions on its own stock axis, in memory, on its way to a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gogooku3.axes import BoolLN, FloatLN, StoredLNF, TargetLNT
from gogooku3.errors import PanelError
from gogooku3.panel.panel_axes import PanelAxes

VALUE_LIMIT = 2**31


@dataclass(frozen=True, eq=False, kw_only=True)
class Segment:
    """L consecutive sessions of the Ns stocks that have a bar in one of them.

    Attributes:
        sessions: datetime64[D] array of shape [L], strictly increasing.
        codes: Stock codes, sorted, length Ns.
        features: float32 or float16 [L, Ns, F], NaN where there is no value.
        present: True where the stock has a bar, [L, Ns].
        universe: True where the stock can be ranked, [L, Ns]; only where present.
        targets: Raw forward returns, float32 [L, Ns, T], NaN for no label.
        target_ranks: Per-day rank targets, float32 [L, Ns, T], NaN outside the universe.
        fields: Market fields by name, float64 [L, Ns], NaN where there is no value.

    Raises:
        PanelError: Shapes or types do not fit, sessions or codes are unsorted, a value is infinite, a stock
            has no bar, or the universe and its rank targets leave the bars.
    """

    sessions: np.ndarray
    codes: tuple[str, ...]
    features: StoredLNF
    present: BoolLN
    universe: BoolLN
    targets: TargetLNT
    target_ranks: TargetLNT
    fields: Mapping[str, FloatLN]

    def __post_init__(self) -> None:
        self._check_axes()
        self._check_arrays()
        self._check_values()

    @property
    def span(self) -> str:
        """First and last session, for messages."""
        return f"{self.sessions[0]} to {self.sessions[-1]}" if len(self.sessions) else "no session"

    def check_fits(self, axes: PanelAxes) -> None:
        """Raise a PanelError unless the arrays have the lengths that ``axes`` name."""
        shape = (self.features.shape[2], self.features.dtype.name, self.targets.shape[2])
        got = (*shape, tuple(sorted(self.fields)))
        expected = (
            len(axes.feature_names),
            axes.dtype,
            len(axes.targets),
            tuple(sorted(axes.field_names)),
        )
        if got != expected:
            raise PanelError(
                "a segment does not fit the axes of its panel (features, their type, targets, fields)",
                where=self.span,
                got=got,
                expected=expected,
            )

    def _check_axes(self) -> None:
        if (
            self.sessions.dtype != np.dtype("datetime64[D]")
            or self.sessions.ndim != 1
            or not len(self.sessions)
        ):
            raise PanelError(
                "a segment needs sessions",
                got=f"{self.sessions.dtype} {self.sessions.shape}",
                expected="days",
            )
        if np.isnat(self.sessions).any() or not (self.sessions[1:] > self.sessions[:-1]).all():
            raise PanelError("the sessions of a segment are not strictly increasing", where=self.span)
        if not all(self.codes) or any(left >= right for left, right in pairwise(self.codes)):
            raise PanelError("the codes of a segment are empty, doubled or not sorted", where=self.span)

    def _check_arrays(self) -> None:
        grid = (len(self.sessions), len(self.codes))
        arrays: dict[str, tuple[np.ndarray, Any, int]] = {
            "features": (self.features, self.features.dtype, 3),
            "present": (self.present, np.bool_, 2),
            "universe": (self.universe, np.bool_, 2),
            "targets": (self.targets, np.float32, 3),
            "target_ranks": (self.target_ranks, np.float32, 3),
        } | {f"field {name}": (array, np.float64, 2) for name, array in self.fields.items()}
        for name, (array, dtype, ndim) in arrays.items():
            if array.dtype != dtype or array.ndim != ndim or array.shape[:2] != grid:
                raise PanelError(
                    f"the array of {name} has another shape or type",
                    where=self.span,
                    got=f"{array.dtype} {array.shape}",
                    expected=f"{np.dtype(dtype)} {(*grid, '...') if ndim == 3 else grid}",
                )
        if self.targets.shape != self.target_ranks.shape:
            raise PanelError("targets and their ranks have different shapes", where=self.span)
        if self.features.size >= VALUE_LIMIT:
            raise PanelError(
                "a segment is too large",
                where=self.span,
                got=f"{' x '.join(map(str, self.features.shape))} = {self.features.size:,} feature values",
                expected=f"fewer than {VALUE_LIMIT:,}",
                remedy="split the sessions into more segments, or a table into several by date",
            )

    def _check_values(self) -> None:
        if not self.present.any(axis=0).all():
            idle = self.codes[int(np.argmin(self.present.any(axis=0)))]
            raise PanelError("a stock of a segment has no bar in it", where=self.span, got=idle)
        if (self.universe & ~self.present).any():
            raise PanelError("the universe holds a stock without a bar", where=self.span)
        if not np.isnan(self.target_ranks[~self.universe]).all():
            raise PanelError(
                "a rank target stands outside the universe", where=self.span, expected="NaN there"
            )
        arrays = {"features": self.features, "targets": self.targets, "target_ranks": self.target_ranks}
        for name, array in (arrays | {f"field {key}": value for key, value in self.fields.items()}).items():
            if any(np.isinf(day).any() for day in array):
                raise PanelError(
                    f"{name}: a value is infinite", where=self.span, expected="finite values or NaN"
                )
