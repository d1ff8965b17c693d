"""The labels of a run of sessions, which go on changing while the future comes in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolLN, TargetLNT
from gogooku3.errors import PanelError


@dataclass(frozen=True, eq=False, kw_only=True)
class Labels:
    """Forward returns and their ranks on the axes of a segment.

    Attributes:
        sessions: datetime64[D] array of shape [L].
        codes: Stock codes, sorted, length Ns.
        present: True where the stock has a bar, [L, Ns].
        targets: Raw forward returns, float32 [L, Ns, T], NaN for no label.
        target_ranks: Per-day rank targets, float32 [L, Ns, T], NaN outside the universe.

    Raises:
        PanelError: Shapes do not fit, or a value is infinite.
    """

    sessions: np.ndarray
    codes: tuple[str, ...]
    present: BoolLN
    targets: TargetLNT
    target_ranks: TargetLNT

    def __post_init__(self) -> None:
        grid = (len(self.sessions), len(self.codes))
        for name, array in (("targets", self.targets), ("target_ranks", self.target_ranks)):
            if array.shape[:2] != grid or array.shape != self.targets.shape:
                raise PanelError(f"{name} have another shape", got=array.shape, expected=(*grid, "T"))
            if np.isinf(array).any():
                raise PanelError(f"{name}: a value is infinite", expected="finite values or NaN")
