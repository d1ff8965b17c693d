"""Consecutive sessions of a panel on one stock axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from gogooku3.axes import BoolLN, FeatureLNF, FloatLN, TargetLNT
from gogooku3.errors import PanelError

StockN = Int64[np.ndarray, "N"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """Read-only views of the mapped panel; nothing is copied.

    Attributes:
        first: Index of the first session in the panel.
        sessions: datetime64[D] array of shape [L].
        stock: Index of each of the Ns stocks into the panel's codes, increasing.
        features: float32 [L, Ns, F], NaN where there is no value.
        present: True where the stock has a bar, [L, Ns].
        universe: True where the stock can be ranked, [L, Ns].
        targets: Raw forward returns, float32 [L, Ns, T], NaN for no label.
        target_ranks: Per-day rank targets, float32 [L, Ns, T], NaN outside the universe.
        fields: Market fields by name, float64 [L, Ns].
    """

    first: int
    sessions: np.ndarray
    stock: StockN
    features: FeatureLNF
    present: BoolLN
    universe: BoolLN
    targets: TargetLNT
    target_ranks: TargetLNT
    fields: Mapping[str, FloatLN]

    def field(self, name: str) -> FloatLN:
        """Return a market field [L, Ns].

        Raises:
            PanelError: The panel has no such field.
        """
        if name not in self.fields:
            raise PanelError("a panel has no such field", got=name, expected=", ".join(self.fields) or "none")
        return self.fields[name]
