"""What a cross-sectional model is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import BoundsB, RowsRF


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """Stock-days of some sessions, session after session.

    Attributes:
        x: Features as per-day ranks in (-0.5, 0.5), NaN where missing, float32 [R, F].
        y: Rank targets in (-0.5, 0.5), NaN where there is no label, float32 [R, T].
        bounds: The rows of the i-th session are ``bounds[i]:bounds[i + 1]``, int64 [sessions + 1].
    """

    x: RowsRF
    y: Float32[np.ndarray, "R T"]
    bounds: BoundsB

    @property
    def sessions(self) -> int:
        """Sessions held."""
        return len(self.bounds) - 1

    def take(self, picked: np.ndarray) -> Rows:
        """Return a copy of the picked sessions (positions into these rows' sessions, increasing)."""
        parts = [np.arange(self.bounds[i], self.bounds[i + 1]) for i in picked]
        index = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        length = np.array([len(part) for part in parts], dtype=np.int64)
        bounds = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(length)])
        return Rows(x=self.x[index], y=self.y[index], bounds=bounds)

    def joined(self, later: Rows) -> Rows:
        """Return a copy of these sessions followed by ``later`` ones."""
        return Rows(
            x=np.concatenate([self.x, later.x]),
            y=np.concatenate([self.y, later.y]),
            bounds=np.concatenate([self.bounds, later.bounds[1:] + self.bounds[-1]]),
        )

    def by_session(self, values: np.ndarray) -> np.ndarray:
        """Spread values of the rows [R] to a float64 grid [sessions, most rows of a session], NaN where none."""
        length = np.diff(self.bounds)
        grid = np.full((self.sessions, int(length.max(initial=0))), np.nan)
        session = np.repeat(np.arange(self.sessions), length)
        grid[session, np.arange(len(values)) - self.bounds[session]] = values
        return grid
