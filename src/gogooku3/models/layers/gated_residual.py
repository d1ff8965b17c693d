"""Gated residual network."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch's users know

from gogooku3.models.layers.stock_dropout import StockDropout


class GatedResidual(nn.Module):
    """A small network whose share in the output is gated: ``LayerNorm(x + GLU(W2 dropout(ELU(W1 x))))``.

    Lim, Arik, Loeff, Pfister (2021), Temporal Fusion Transformers, eq. 2 to 5, without the linear map between ELU
    and GLU, which the GLU's own map absorbs.

    Args:
        width: Channels in and out.
        dropout: Share of hidden channels that are dropped in training.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(width, width)
        self.gate = nn.Linear(width, 2 * width)
        self.norm = nn.LayerNorm(width)
        self.dropout = StockDropout(dropout)

    def forward(self, x: Float[Tensor, "L N C"]) -> Float[Tensor, "L N C"]:
        """Return the block [L, N, C]."""
        hidden = self.dropout(F.elu(self.inner(x)))
        out: Tensor = self.norm(torch.add(x, F.glu(self.gate(hidden), dim=-1)))
        return out
