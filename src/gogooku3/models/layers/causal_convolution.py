"""Gated causal convolution over sessions."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch's users know

from gogooku3.models.layers.stock_dropout import StockDropout

BEGINNING = 0.1
"""Of the past's share in a state."""


class CausalConvolution(nn.Module):
    """``LayerNorm(x_t + scale * GLU(sum_i W_i x_{t - i dilation}))``, one matrix product over the stacked sessions.

    There is no padding: a block loses its first ``field - 1`` sessions, so no output ever saw less than its field.
    A stock-day without a bar leaves as zeros, and so counts as nothing in later layers. The scale per channel begins at
    a tenth (LayerScale, Touvron et al. 2021): a stock-day's own session speaks first, the past has to earn its share.

    Args:
        width: Channels in and out.
        dilation: Sessions between taps.
        dropout: Share of channels that are dropped in training.
        taps: Sessions that one output reads.
    """

    def __init__(self, width: int, dilation: int, dropout: float, taps: int = 3) -> None:
        super().__init__()
        self.dilation, self.taps = dilation, taps
        self.weight = nn.Parameter(torch.randn(taps * width, 2 * width) / math.sqrt(taps * width))
        self.bias = nn.Parameter(torch.zeros(2 * width))
        self.scale = nn.Parameter(torch.full((width,), BEGINNING))
        self.norm = nn.LayerNorm(width)
        self.dropout = StockDropout(dropout)

    @property
    def field(self) -> int:
        """Sessions from the oldest that an output reads to its own, both counted."""
        return (self.taps - 1) * self.dilation + 1

    def forward(self, x: Float[Tensor, "W N C"], present: Bool[Tensor, "W N"]) -> Float[Tensor, "V N C"]:
        """Return the last V = W - field + 1 sessions [V, N, C].

        Args:
            x: Sessions, zeros where there is no bar.
            present: True where the stock has a bar.
        """
        kept = len(x) - self.field + 1
        taps = [x[i * self.dilation : i * self.dilation + kept] for i in range(self.taps)]
        stacked = torch.cat(taps, dim=-1).flatten(0, 1)
        moved = F.glu(torch.addmm(self.bias, stacked, self.weight), dim=-1).view(kept, *x.shape[1:])
        own = slice(len(x) - kept, None)
        out: Tensor = self.norm(torch.addcmul(x[own], self.scale, self.dropout(moved)))
        return out * present[own, :, None].to(out.dtype)
