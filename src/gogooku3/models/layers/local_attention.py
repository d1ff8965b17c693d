"""Interpretable attention over the sessions before each session."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch's users know

from gogooku3.models.layers.by_age import by_age
from gogooku3.models.layers.causal_convolution import BEGINNING
from gogooku3.models.layers.stock_dropout import StockDropout

_NEVER = -1e9  # finite, so that a row without any key gives finite garbage instead of NaN
_CHUNK = 32  # queries that share one slice of keys: long enough to be a matrix product, short enough to waste little


class LocalAttention(nn.Module):
    """Each session attends to itself and the ``span - 1`` sessions before it; heads share their values.

    Lim et al. (2021), eq. 13 to 16 (interpretable multi-head attention: the mean of the heads' weights times one
    value), with a learnt bias per head and age instead of absolute positions, so that a stock-day's state does not
    depend on the block it is computed in. The output is gated, and its scale begins at a tenth:
    ``LayerNorm(x + scale * GLU(W attended))``.

    Args:
        width: Channels in and out.
        heads: Heads; they divide ``width``.
        span: Sessions a query sees, its own included.
        dropout: Share of channels that are dropped in training.
    """

    def __init__(self, width: int, heads: int, span: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.span, self.depth = heads, span, width // heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, self.depth)
        self.out = nn.Linear(self.depth, 2 * width)
        self.age = nn.Parameter(torch.zeros(heads, span))
        self.scale = nn.Parameter(torch.full((width,), BEGINNING))
        self.norm = nn.LayerNorm(width)
        self.dropout = StockDropout(dropout)

    def forward(self, x: Float[Tensor, "V N C"], present: Bool[Tensor, "V N"]) -> Float[Tensor, "L N C"]:
        """Return the last L = V - span + 1 sessions [L, N, C].

        Args:
            x: Sessions, the first ``span - 1`` of them only as keys.
            present: True where the stock has a bar; other sessions are not attended to.
        """
        own = x[self.span - 1 :]
        value = self.value(x).transpose(0, 1)
        parts = [
            weights @ value[:, start : start + weights.shape[-1]]
            for start, weights in self._weights(x, own, present)
        ]
        attended = torch.cat(parts, dim=1).transpose(0, 1)
        out: Tensor = self.norm(
            torch.addcmul(own, self.scale, self.dropout(F.glu(self.out(attended), dim=-1)))
        )
        return out

    def weights(self, x: Float[Tensor, "V N C"], present: Bool[Tensor, "V N"]) -> Float[Tensor, "L N span"]:
        """Return how much each session attends to those before it, oldest first, mean of the heads."""
        own = x[self.span - 1 :]
        rows = []
        for _, weights in self._weights(x, own, present):
            count = weights.shape[1]
            index = torch.arange(count, device=x.device)[:, None] + torch.arange(self.span, device=x.device)
            rows.append(weights.gather(2, index.expand(weights.shape[0], -1, -1)))
        return torch.cat(rows, dim=1).transpose(0, 1)

    def _weights(self, x: Tensor, own: Tensor, present: Tensor) -> list[tuple[int, Tensor]]:
        """Return (first key, weights [N, queries, keys]) of each chunk of queries."""
        query = self._split(self.query(own)) / math.sqrt(self.depth)
        key = self._split(self.key(x)).transpose(2, 3)
        absent = torch.where(present.T, 0.0, _NEVER).to(x.dtype)
        chunks = []
        for start in range(0, len(own), _CHUNK):
            count = min(_CHUNK, len(own) - start)
            keys = slice(start, start + count + self.span - 1)
            logits = query[:, :, start : start + count] @ key[..., keys]
            logits = logits + by_age(self.age, count, _NEVER) + absent[:, None, None, keys]
            chunks.append((start, torch.softmax(logits, dim=-1).mean(dim=1)))
        return chunks

    def _split(self, x: Tensor) -> Tensor:
        """[V, N, C] to [N, heads, V, depth]."""
        return x.view(*x.shape[:2], self.heads, self.depth).permute(1, 2, 0, 3)
