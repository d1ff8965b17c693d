"""What every trained model can do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import RowsRF


@runtime_checkable
class Member(Protocol):
    """A trained model, one of the seeds: what it reached in validation, and a file form without pickles."""

    @property
    def validation(self) -> tuple[float, ...]:
        """Validation RankIC of each target."""

    def save(self, path: Path) -> None:
        """Write the model."""


@runtime_checkable
class Fitted(Member, Protocol):
    """A trained model of rows: scores for every target."""

    def predict(self, x: RowsRF) -> Float32[np.ndarray, "R T"]:
        """Return scores [R, T]."""
