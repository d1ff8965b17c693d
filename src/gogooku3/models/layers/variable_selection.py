"""Variable selection at a cost linear in the number of features."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch's users know

_RANK_SCALE = 12.0**0.5  # ranks in (-0.5, 0.5) have a standard deviation of 1 / sqrt(12)


class VariableSelection(nn.Module):
    """Weigh the features of a stock-day by what the stock-day looks like, then embed them together.

    Lim et al. (2021), eq. 6 to 8, with a linear embedding of each variable instead of a gated residual network of its
    own: ``sum_j v_j (x_j e_j) = (v * x) E``, so that embedding all F variables is one matrix product. The weights come
    from a bottleneck, ``v = F softmax(B ELU(A x))``, and start at 1. A missing feature takes a learnt value of its
    own, which is zero plus a mask times a weight.

    Args:
        features: Features F.
        width: Channels out.
        dropout: Share of features that are missing to a whole block in training, so that no few of them are all.
        bottleneck: Width of the network that weighs.
    """

    def __init__(self, features: int, width: int, dropout: float = 0.0, bottleneck: int = 16) -> None:
        super().__init__()
        self.dropout = dropout
        self.missing = nn.Parameter(torch.zeros(features))
        self.squeeze = nn.Linear(features, bottleneck)
        self.weigh = nn.Linear(bottleneck, features)
        self.embed = nn.Linear(features, width)
        nn.init.normal_(self.weigh.weight, std=0.02)
        nn.init.zeros_(self.weigh.bias)

    def forward(self, x: Float[Tensor, "W N F"], present: Bool[Tensor, "W N"]) -> Float[Tensor, "W N C"]:
        """Return the embedded features [W, N, C].

        Args:
            x: Per-day ranks in (-0.5, 0.5), NaN where missing; where ``present`` is False the values are not read.
            present: True where the stock has a bar.
        """
        known = self._known(x, present)
        if self.training and self.dropout > 0.0:
            kept = torch.rand(known.shape[-1], device=known.device) >= self.dropout
            known = torch.where(kept, known, self.missing)
        out: Tensor = self.embed(known * self._weights(known))
        return out

    def weights(self, x: Float[Tensor, "W N F"], present: Bool[Tensor, "W N"]) -> Float[Tensor, "W N F"]:
        """Return the weight of every feature, mean 1 over the features of a stock-day."""
        return self._weights(self._known(x, present))

    def _known(self, x: Tensor, present: Tensor) -> Tensor:
        return torch.where(present[..., None] & ~x.isnan(), x * _RANK_SCALE, self.missing)

    def _weights(self, known: Tensor) -> Tensor:
        logits: Tensor = self.weigh(F.elu(self.squeeze(known)))
        return torch.softmax(logits, dim=-1) * logits.shape[-1]
