"""Dropout with one mask for all sessions of a block."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch's users know


class StockDropout(nn.Module):
    """Drop channels of a stock over all sessions of a block alike.

    Gal and Ghahramani (2016), A Theoretically Grounded Application of Dropout in Recurrent Neural Networks: a mask
    that is shared over time. It also draws W times fewer random numbers than one mask a stock-day, which was a tenth
    of a training step.

    Args:
        share: Share of channels that are dropped in training, 0 for none.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Float[Tensor, "L N C"]) -> Float[Tensor, "L N C"]:
        """Return the block [L, N, C], the kept channels scaled by 1 / (1 - share)."""
        if not self.training or self.share == 0.0:
            return x
        return x * F.dropout(x.new_ones(x.shape[1:]), self.share)
