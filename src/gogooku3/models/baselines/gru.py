"""A gated recurrent network over windows, the usual neural baseline."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gogooku3.models.baselines.gru_settings import GruSettings
from gogooku3.models.day_block import DayBlock
from gogooku3.models.deep_model import DeepModel
from gogooku3.models.layers.stock_dropout import StockDropout

_RANK_SCALE = 12.0**0.5  # ranks in (-0.5, 0.5) have a standard deviation of 1 / sqrt(12)


class Gru(DeepModel):
    """Each window of ``lookback`` sessions is read from its first to its last; the last state is scored.

    Cho et al. (2014). Missing features and sessions without a bar are zeros. Features are projected once per
    stock-day; the recurrence, which begins anew in every window, is not shared between windows.

    Args:
        settings: Width and lookback.
        features: Columns C of a block.
        targets: Targets T.
        quantiles: Quantiles to predict of every target; empty for one score.
    """

    def __init__(
        self, settings: GruSettings, *, features: int, targets: int, quantiles: tuple[float, ...] = ()
    ) -> None:
        super().__init__()
        self.settings, self.targets, self.quantiles = settings, targets, quantiles
        self.embed = nn.Linear(features, settings.hidden)
        self.dropout = StockDropout(settings.dropout)
        self.recur = nn.GRU(settings.hidden, settings.hidden)
        self.norm = nn.LayerNorm(settings.hidden)
        self.scores = self.head(settings.hidden)

    @property
    def lookback(self) -> int:
        """Sessions that one score reads, its own included."""
        return self.settings.lookback

    @property
    def needs_graph(self) -> bool:
        """Whether blocks have to bring neighbours."""
        return False

    def forward(self, block: DayBlock) -> Float[Tensor, "L N *T"]:
        """Return scores [L, N, T], or quantiles [L, N, T, Q]."""
        known = block.present[..., None] & ~block.x.isnan()
        states = self.dropout(self.embed(torch.where(known, block.x * _RANK_SCALE, 0.0)))
        length = len(states) - self.lookback + 1
        windows = torch.stack([states[i : i + length] for i in range(self.lookback)])
        _, last = self.recur(windows.flatten(1, 2))
        return self.shaped(self.scores(self.norm(last[0].view(length, *states.shape[1:]))))
