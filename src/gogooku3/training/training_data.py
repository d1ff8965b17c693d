"""What deep models learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from gogooku3.scoring.day_source import DaySource


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingData:
    """Inputs and labels of all sessions of a panel, and their names.

    Attributes:
        source: What models read.
        labels: What they predict, float32 [D, N, T], NaN where there is no label.
        days: The D sessions, to name.
        targets: The T targets, to name.
        watch: The targets whose mean validation RankIC stops training, bool [T].
    """

    source: DaySource
    labels: Float32[np.ndarray, "D N T"]
    days: np.ndarray
    targets: tuple[object, ...]
    watch: np.ndarray
