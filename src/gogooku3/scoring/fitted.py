"""What every trained model of rows can do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import RowsRF


@runtime_checkable
class Fitted(Protocol):
    """A trained model: scores for every target, and a file form without pickles."""

    @property
    def validation(self) -> tuple[float, ...]:
        """Validation RankIC of each target."""

    def predict(self, x: RowsRF) -> Float32[np.ndarray, "R T"]:
        """Return scores [R, T]."""

    def save(self, path: Path) -> None:
        """Write the model."""
