"""Who is linked to whom on the sessions of a block."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from gogooku3.errors import ModelError

_TENSORS = ("index", "valid", "edge", "graph_of_day")


@dataclass(frozen=True, eq=False, kw_only=True)
class Neighbours:
    """The neighbours of every stock, as positions on the block's stock axis, in one or more graphs.

    A neighbour counts on a session only where the slot is valid and that stock takes part.

    Attributes:
        index: Position of the neighbour in each slot, int32 [G, N, k]; anything where the slot is not valid.
        valid: True where the slot holds a neighbour, [G, N, k].
        edge: Features of the link, [G, N, k, E], finite where the slot is valid.
        graph_of_day: Which graph each session reads, int64 [L].

    Raises:
        ModelError: Shapes do not fit together, or a position points outside the block.
    """

    index: Int[Tensor, "G N k"]
    valid: Bool[Tensor, "G N k"]
    edge: Float[Tensor, "G N k E"]
    graph_of_day: Int[Tensor, " L"]

    def __post_init__(self) -> None:
        shapes = (tuple(self.index.shape), tuple(self.valid.shape), tuple(self.edge.shape[:-1]))
        if len(set(shapes)) > 1 or self.index.ndim != 3:
            raise ModelError(
                "index, valid and edge of the neighbours differ in shape",
                got=shapes,
                expected="[G, N, k], [G, N, k] and [G, N, k, E]",
            )
        object.__setattr__(self, "index", self.index.to(torch.int32))
        if (
            self.index.device.type == "cpu"
        ):  # elsewhere the check would wait for the device, and copies are of these
            graphs, stocks, _ = self.index.shape
            _within("a neighbour", self.index[self.valid], stocks)
            _within("the graph of a session", self.graph_of_day, graphs)

    @property
    def edges(self) -> int:
        """Features of a link, E."""
        return self.edge.shape[-1]

    def to(self, device: torch.device) -> Neighbours:
        """Return the neighbours on a device."""
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=True) for name in _TENSORS})

    def padded(self, sessions: int, stocks: int) -> Neighbours:
        """Return them for a block of so many sessions and stocks; those that come on have no neighbours."""
        later, more = sessions - len(self.graph_of_day), stocks - self.index.shape[1]
        return Neighbours(
            index=pad(self.index, (0, 0, 0, more)),
            valid=pad(self.valid, (0, 0, 0, more)),
            edge=pad(self.edge, (0, 0, 0, 0, 0, more)),
            graph_of_day=torch.cat([self.graph_of_day, self.graph_of_day[-1:].repeat(later)]),
        )

    def pinned(self) -> Neighbours:
        """Return the neighbours in memory from which a CUDA device can copy by itself."""
        return replace(self, **{name: getattr(self, name).pin_memory() for name in _TENSORS})


def _within(what: str, positions: Tensor, count: int) -> None:
    if positions.numel() and (int(positions.min()) < 0 or int(positions.max()) >= count):
        raise ModelError(
            f"{what} is not in the block",
            got=f"positions {int(positions.min())} to {int(positions.max())}",
            expected=f"0 to {count - 1}",
        )
