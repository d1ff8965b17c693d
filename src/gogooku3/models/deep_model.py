"""What every deep model has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gogooku3.models.day_block import DayBlock


class DeepModel(nn.Module, ABC):
    """A network that scores all stocks of a block of sessions at once.

    A score reads ``lookback`` sessions of its own stock (and, through a graph, of its neighbours) and nothing else:
    it is the same whatever block it is computed in, but for the last bits of its arithmetic.

    Attributes:
        targets: Targets T.
        quantiles: Quantiles Q that are predicted of every target; empty for one score.
    """

    targets: int
    quantiles: tuple[float, ...]

    @property
    @abstractmethod
    def lookback(self) -> int:
        """Sessions that one score reads, its own included."""

    @property
    @abstractmethod
    def needs_graph(self) -> bool:
        """Whether blocks have to bring neighbours."""

    @abstractmethod
    def forward(self, block: DayBlock) -> Float[Tensor, "L N *T"]:
        """Return scores [L, N, T], or quantiles [L, N, T, Q]."""

    def rank_scores(self, output: Float[Tensor, "L N *T"]) -> Float[Tensor, "L N T"]:
        """Return what stocks are ranked by: the score, or the quantile nearest to the median."""
        if not self.quantiles:
            return output
        nearest = min(range(len(self.quantiles)), key=lambda q: abs(self.quantiles[q] - 0.5))
        return output[..., nearest]

    def head(self, width: int) -> nn.Linear:
        """Return the map from a state to the scores of all targets."""
        out = nn.Linear(width, self.targets * max(1, len(self.quantiles)))
        nn.init.normal_(out.weight, std=0.02)
        return out

    def shaped(self, output: Float[Tensor, "L N O"]) -> Float[Tensor, "L N *T"]:
        """Give the head's output an axis for quantiles, if there are any."""
        if not self.quantiles:
            return output
        return torch.unflatten(output, -1, (self.targets, len(self.quantiles)))
