"""What a deep model reads: the sessions of a block and of the warm-up before it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import pad

from gogooku3.models.layers.neighbours import Neighbours


@dataclass(frozen=True, eq=False, kw_only=True)
class DayBlock:
    """W = L + lookback - 1 consecutive sessions of the N stocks that are scored on any of the last L.

    Attributes:
        x: Features as per-day ranks in (-0.5, 0.5), NaN where missing, float32 [W, N, F].
        present: True where the stock has a bar, [W, N].
        scored: True where the stock is of the day's universe, [L, N]; elsewhere scores mean nothing.
        neighbours: Who is linked to whom on the last L sessions; None for a model without a graph.
    """

    x: Float[Tensor, "W N F"]
    present: Bool[Tensor, "W N"]
    scored: Bool[Tensor, "L N"]
    neighbours: Neighbours | None = None

    def to(self, device: torch.device) -> DayBlock:
        """Return the block on a device."""
        if self.x.device == device:
            return self
        return DayBlock(
            x=self.x.to(device, non_blocking=True),
            present=self.present.to(device, non_blocking=True),
            scored=self.scored.to(device, non_blocking=True),
            neighbours=None if self.neighbours is None else self.neighbours.to(device),
        )

    def padded(self, sessions: int, stocks: int) -> DayBlock:
        """Return the block with empty sessions after its last and empty stocks after its last, L and N so many."""
        length, count = self.scored.shape
        later, more = sessions - length, stocks - count
        return DayBlock(
            x=pad(self.x, (0, 0, 0, more, 0, later), value=torch.nan),
            present=pad(self.present, (0, more, 0, later)),
            scored=pad(self.scored, (0, more, 0, later)),
            neighbours=None if self.neighbours is None else self.neighbours.padded(sessions, stocks),
        )

    def pinned(self) -> DayBlock:
        """Return the block in memory from which a CUDA device can copy by itself."""
        return DayBlock(
            x=self.x.pin_memory(),
            present=self.present.pin_memory(),
            scored=self.scored.pin_memory(),
            neighbours=None if self.neighbours is None else self.neighbours.pinned(),
        )
