"""ATFT-GAT-FAN: a temporal fusion transformer over each stock's history, graph attention across the stocks of a day."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from gogooku3.errors import ModelError
from gogooku3.models.atft_gat_fan_settings import AtftGatFanSettings
from gogooku3.models.day_block import DayBlock
from gogooku3.models.deep_model import DeepModel
from gogooku3.models.layers.causal_convolution import CausalConvolution
from gogooku3.models.layers.gated_residual import GatedResidual
from gogooku3.models.layers.graph_stack import GraphStack
from gogooku3.models.layers.local_attention import LocalAttention
from gogooku3.models.layers.long_convolution import LongConvolution
from gogooku3.models.layers.variable_selection import VariableSelection


class AtftGatFan(DeepModel):
    """Variable selection; convolutions, attention and filters over the lookback; graph attention; one head a target.

    Lim et al. (2021) for the temporal part, Brody et al. (2022) for the graph; the channels that are normalised by
    frequency (Ye et al. 2024) come in as columns of ``x``, computed once per stock-day (``scoring.encode``). There is
    no recurrence, no absolute position and no statistic over a window, so the states of a block are those of single
    days.

    Args:
        settings: Width, depth and field.
        features: Columns C of a block.
        targets: Targets T.
        edges: Features of an edge.
        quantiles: Quantiles to predict of every target; empty for one score.
    """

    def __init__(
        self,
        settings: AtftGatFanSettings,
        *,
        features: int,
        targets: int,
        edges: int = 0,
        quantiles: tuple[float, ...] = (),
    ) -> None:
        super().__init__()
        self.settings, self.targets, self.quantiles = settings, targets, quantiles
        width, dropout = settings.hidden, settings.dropout
        self.selection = VariableSelection(features, width, settings.feature_dropout)
        self.entry = GatedResidual(width, dropout)
        self.convolutions = nn.ModuleList(
            CausalConvolution(width, 2**depth, dropout) for depth in range(settings.convolutions)
        )
        self.attention = LocalAttention(width, settings.heads, settings.span, dropout)
        if settings.filters:
            self.filters = LongConvolution(width, settings.span, settings.filters)
        self.graph = GraphStack(width, settings.gat_layers, edges, settings.gat_dropout)
        self.exit = GatedResidual(width, dropout)
        self.scores = self.head(width)

    @property
    def lookback(self) -> int:
        """Sessions that one score reads, its own included."""
        return self.settings.lookback

    @property
    def needs_graph(self) -> bool:
        """Whether blocks have to bring neighbours."""
        return self.settings.gat_layers > 0

    def forward(self, block: DayBlock) -> Float[Tensor, "L N *T"]:
        """Return scores [L, N, T], or quantiles [L, N, T, Q].

        Raises:
            ModelError: The model has graph layers and the block no neighbours, or the other way round.
        """
        if self.needs_graph != (block.neighbours is not None):
            raise ModelError(
                "blocks and model do not agree on a graph",
                got="no neighbours" if self.needs_graph else "neighbours",
                expected=f"{self.settings.gat_layers} layers of graph attention",
                remedy="give the source of blocks its graphs, or set atft.gat_layers=0",
            )
        state = self.encode(block)
        if block.neighbours is not None:
            # Not wherever it is present: which stocks a block holds depends on the universe of its later sessions.
            state = self.graph(state, block.neighbours, block.scored)
        return self.shaped(self.scores(self.exit(state)))

    def encode(self, block: DayBlock) -> Float[Tensor, "L N C"]:
        """Return the state of each stock on the last L sessions from its own history alone."""
        present = block.present
        state = self.entry(self.selection(block.x, present)) * present[..., None].to(block.x.dtype)
        entered = state
        for convolution in self.convolutions:
            state = convolution(state, present[-len(state) :])
        out: Tensor = self.attention(state, present[-len(state) :])
        return self.filters(out, entered[-len(state) :]) if self.settings.filters else out
