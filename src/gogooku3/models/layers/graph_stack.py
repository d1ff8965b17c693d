"""A stack of graph attention layers."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch's users know

from gogooku3.errors import ModelError
from gogooku3.models.layers.graph_attention import GraphAttention
from gogooku3.models.layers.neighbours import Neighbours

DEEPEST = 10
_GATE = 0.1  # of a layer's share at the beginning
_HEAD_WIDTH = 8  # channels of a head at least


class GraphStack(nn.Module):
    """Up to ten layers ``x + gate * ELU(GATv2(LayerNorm(x)))``; heads and widths follow from ``width``.

    The ELU is that of Velickovic et al. (2018). Norm before and gate per channel (Touvron et al. 2021, Going Deeper
    with Image Transformers, LayerScale), so that a deep stack begins near the identity and still passes gradient to
    every layer. Without layers it is the identity and has no parameters.

    Args:
        width: Channels of every layer, a multiple of 8.
        layers: How many, 0 to 10.
        edges: Features of a link.
        dropout: Share of attention weights that are dropped in training.

    Raises:
        ModelError: A size is not one of these.
    """

    def __init__(self, width: int, layers: int, edges: int, dropout: float = 0.0) -> None:
        super().__init__()
        if not 0 <= layers <= DEEPEST:
            raise ModelError("the graph has no such depth", got=layers, expected=f"0 to {DEEPEST} layers")
        self.blocks = nn.ModuleList(_Block(width, edges, dropout) for _ in range(layers))

    def forward(
        self, x: Float[Tensor, "L N C"], neighbours: Neighbours, present: Bool[Tensor, "L N"]
    ) -> Float[Tensor, "L N C"]:
        """Return the states [L, N, C] after all layers; 0 where a stock is absent, if there is a layer.

        Args:
            x: States; what stands in the slot of an absent stock changes nothing.
            neighbours: Who is linked to whom.
            present: True where the stock takes part.

        Raises:
            ModelError: The neighbours do not fit ``x``.
        """
        if not self.blocks:
            return x
        x = x.masked_fill(~present[..., None], 0.0)  # before the norms, whose gradient would carry NaN on
        for block in self.blocks:
            x = block(x, neighbours, present)
        return x


class _Block(nn.Module):
    def __init__(self, width: int, edges: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = GraphAttention(width, heads_of(width), edges, dropout)
        self.gate = nn.Parameter(torch.full((width,), _GATE))

    def forward(self, x: Tensor, neighbours: Neighbours, present: Tensor) -> Tensor:
        return torch.addcmul(x, self.gate, F.elu(self.attention.of_finite(self.norm(x), neighbours, present)))


def heads_of(width: int) -> int:
    """Return the heads of a layer: as many of 8, 4, 2 and 1 as leave each head 8 channels and divide the width."""
    return next(
        heads
        for heads in (8, 4, 2, 1)
        if heads == 1 or (width % heads == 0 and width // heads >= _HEAD_WIDTH)
    )
