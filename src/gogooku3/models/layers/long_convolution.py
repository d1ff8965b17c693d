"""Signed filters over the whole lookback."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gogooku3.models.layers.by_age import by_age

_CHUNK = 32  # sessions that share one slice of inputs, as in attention: the products of a long block stay linear in it


class LongConvolution(nn.Module):
    """``LayerNorm(y_t + W sum_a k_a * (V x_{t - a}))``: F kernels of ``span`` signed taps, each over its own channel.

    A depthwise causal convolution as long as the lookback (Fu et al. 2023, Simple Hardware-Efficient Long Convolutions
    for Sequence Modeling). It can say what attention beside it cannot: attention's weights are positive and its heads
    share one value, so that what rises 17 sessions after a high close and falls after 19 is no mean of values.

    Args:
        width: Channels in and out.
        span: Sessions that an output reads, its own included.
        filters: Kernels F.
    """

    def __init__(self, width: int, span: int, filters: int) -> None:
        super().__init__()
        self.span = span
        self.into = nn.Linear(width, filters, bias=False)
        self.kernel = nn.Parameter(torch.randn(filters, span) / span**0.5)
        self.out = nn.Linear(filters, width)
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.out.weight, std=0.02)  # a session's own state speaks first
        nn.init.zeros_(self.out.bias)

    def forward(self, y: Float[Tensor, "L N C"], x: Float[Tensor, "V N C"]) -> Float[Tensor, "L N C"]:
        """Return the states with what their past adds [L, N, C].

        Args:
            y: States of the last L = V - span + 1 sessions.
            x: Sessions to filter, zeros where there is no bar; oldest first.
        """
        read = self.into(x).permute(2, 0, 1)
        parts = []
        for start in range(0, len(y), _CHUNK):
            count = min(_CHUNK, len(y) - start)
            parts.append(
                torch.bmm(by_age(self.kernel, count, 0.0), read[:, start : start + count + self.span - 1])
            )
        filtered = torch.cat(parts, dim=1).permute(1, 2, 0)
        out: Tensor = self.norm(y + self.out(filtered))
        return out
