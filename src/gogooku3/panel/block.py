"""Consecutive sessions of a panel on one stock axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from gogooku3.axes import BoolLN, FloatLN, StoredLNF, TargetLNT
from gogooku3.errors import PanelError
from gogooku3.panel.mapped import MappedSegment

StockN = Int64[np.ndarray, "N"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """Read-only views of the mapped panel; nothing is copied, and only what is asked for is read.

    Attributes:
        first: Index of the first session in the panel.
        stock: Index of each of the Ns stocks into the panel's codes, increasing.
        segment: Where the values lie.
        rows: Which sessions of it.
    """

    first: int
    stock: StockN
    segment: MappedSegment
    rows: slice

    @property
    def sessions(self) -> np.ndarray:
        """Sessions, datetime64[D] of shape [L]."""
        part: np.ndarray = self.segment.sessions[self.rows]
        return part

    @property
    def features(self) -> StoredLNF:
        """Features [L, Ns, F], float32 or float16, NaN where there is no value."""
        return self._view("features")

    @property
    def present(self) -> BoolLN:
        """True where the stock has a bar, [L, Ns]."""
        return self._view("present")

    @property
    def universe(self) -> BoolLN:
        """True where the stock can be ranked, [L, Ns]."""
        return self._view("universe")

    @property
    def targets(self) -> TargetLNT:
        """Raw forward returns, float32 [L, Ns, T], NaN for no label."""
        return self._view("targets")

    @property
    def target_ranks(self) -> TargetLNT:
        """Per-day rank targets, float32 [L, Ns, T], NaN outside the universe."""
        return self._view("target_ranks")

    def field(self, name: str) -> FloatLN:
        """Return a market field [L, Ns], NaN where there is no value.

        Raises:
            PanelError: The panel has no such field.
        """
        names = self.segment.known.axes.field_names
        if name not in names:
            raise PanelError("a panel has no such field", got=name, expected=", ".join(names) or "none")
        return self._view(name)

    def _view(self, name: str) -> np.ndarray:
        part: np.ndarray = self.segment.column(name)[self.rows]
        return part
