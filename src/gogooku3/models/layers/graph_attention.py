"""Graph attention across the stocks of a day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812 - the name that torch's users know
from torch.utils.checkpoint import checkpoint

from gogooku3.errors import ModelError
from gogooku3.models.layers.graph_attention_kernel import (
    DROP_BITS,
    Sizes,
    backward_parts,
    kernels,
    row_size,
)
from gogooku3.models.layers.lanes import LANES
from gogooku3.models.layers.neighbours import Neighbours

_SLOPE = 0.2  # of the leaky ReLU below 0, as in the paper's code
_AT_ONCE = 1 << 27  # numbers of a tensor [l, N, k + 1, C] of the plain formula; more days are taken in turn
_WORD = 0xFFFF_FFFF


class Drop(NamedTuple):
    """What dropout depends on: an odd factor and an offset, int64 [2], and the share in units of 2^-24."""

    seed: Tensor
    threshold: int


class GraphAttention(nn.Module):
    """GATv2 with edge features; every stock attends to its neighbours of the day and to itself.

    Brody, Alon, Yahav (2022), How Attentive are Graph Attention Networks?, eq. 7, with the edge term of PyTorch
    Geometric's GATv2Conv: ``e_ij = a . LeakyReLU(W_l h_i + W_r h_j + W_e edge_ij)`` per head, softmax over the
    neighbours j that are valid and present and over i itself (with edge features 0, as the set N_i of Velickovic et
    al. 2018 holds i), ``out_i = sum_j alpha_ij W_r h_j``. A stock without neighbours so gets ``W_r h_i``. Channel c
    belongs to head c mod H: the heads' outputs stand interleaved rather than one behind the other, which only renames
    the channels.

    On a CPU in float32 (and bfloat16, which is widened) compiled kernels do it; elsewhere, and under torch.compile,
    the plain formula.

    Args:
        width: Channels in and out, a multiple of 8.
        heads: 1, 2, 4 or 8; they divide ``width``.
        edges: Features of a link; 0 for none.
        dropout: Share of attention weights that are dropped in training, drawn by torch's generator.

    Raises:
        ModelError: A size is not one of these.
    """

    def __init__(self, width: int, heads: int, edges: int, dropout: float = 0.0) -> None:
        super().__init__()
        if width < LANES or width % LANES or heads not in (1, 2, 4, 8):
            raise ModelError(
                "graph attention does not come in this size",
                got=f"width {width}, {heads} heads",
                expected=f"a width that {LANES} divides; 1, 2, 4 or 8 heads",
            )
        self.heads, self.edges, self.dropout = heads, edges, dropout
        self.project = nn.Linear(width, 2 * width)
        self.attention = nn.Parameter(torch.empty(width))
        self.edge = nn.Parameter(torch.empty(edges, width)) if edges else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew: logits begin with about unit scale."""
        for part in self.project.weight.chunk(2):
            nn.init.xavier_uniform_(part)
        nn.init.zeros_(self.project.bias)
        nn.init.normal_(self.attention, std=(self.heads / len(self.attention)) ** 0.5)
        if self.edge is not None:
            nn.init.xavier_uniform_(self.edge)

    def forward(
        self, h: Float[Tensor, "L N C"], neighbours: Neighbours, present: Bool[Tensor, "L N"]
    ) -> Float[Tensor, "L N C"]:
        """Return what each stock gathers, [L, N, C]; 0 where it is absent.

        Args:
            h: States; what stands in the slot of an absent stock changes nothing.
            neighbours: Who is linked to whom.
            present: True where the stock takes part.

        Raises:
            ModelError: The neighbours are of other stocks, sessions or features.
        """
        return self.of_finite(h.masked_fill(~present[..., None], 0.0), neighbours, present)

    def of_finite(
        self, h: Float[Tensor, "L N C"], neighbours: Neighbours, present: Bool[Tensor, "L N"]
    ) -> Float[Tensor, "L N C"]:
        """Return the same of states that are finite everywhere, in the slots of absent stocks too."""
        self._check(h, neighbours)
        both = self.project(h)
        if both.dtype is torch.bfloat16:
            both = both.float()
        drop = _drawn(self.dropout if self.training else 0.0)
        edge = both.new_empty(0, h.shape[-1]) if self.edge is None else self.edge
        kernels_fit = both.device.type == "cpu" and both.dtype is torch.float32
        if kernels_fit and not torch.compiler.is_compiling():
            fused: Any = _Fused  # torch leaves `apply` untyped
            out: Tensor = fused.apply(both, self.attention, edge, neighbours, present, self.heads, drop)
            return out
        return _in_turn(both, self.attention, edge, neighbours, present, heads=self.heads, drop=drop)

    def _check(self, h: Tensor, neighbours: Neighbours) -> None:
        got = (len(neighbours.graph_of_day), neighbours.index.shape[1], neighbours.edges)
        expected = (h.shape[0], h.shape[1], self.edges)
        if got != expected:
            raise ModelError(
                "the neighbours do not fit the block",
                got=f"sessions, stocks, features of a link: {got}",
                expected=str(expected),
            )


def attend(
    both: Float[Tensor, "L N D"],
    attention: Float[Tensor, " C"],
    edge: Float[Tensor, "E C"],
    neighbours: Neighbours,
    present: Bool[Tensor, "L N"],
    *,
    heads: int,
    drop: Drop,
    first: int = 0,
) -> Float[Tensor, "L N C"]:
    """Return graph attention by the plain formula: any device, any precision, [L, N, k + 1, C] in memory.

    Args:
        both: W_l h and W_r h, D = 2 C channels; finite everywhere.
        attention: The vector a of every head.
        edge: W_e.
        neighbours: Who is linked to whom.
        present: True where the stock takes part.
        heads: Heads H; channel c belongs to head c mod H.
        drop: What dropout depends on.
        first: Sessions of the block before these.
    """
    target, source = both.chunk(2, dim=-1)
    days, stocks, width = target.shape
    index, valid, features = _with_self(neighbours)
    flat = index[neighbours.graph_of_day] + stocks * torch.arange(days, device=both.device)[:, None, None]
    seen = valid[neighbours.graph_of_day] & present.reshape(-1)[flat]
    seen[..., -1] = True  # of an absent stock too, whose row would be NaN otherwise
    # embedding, since the gradient of indexing adds up in an order of its own at every run
    gathered = F.embedding(flat, source.reshape(days * stocks, width))
    features = features[neighbours.graph_of_day].masked_fill(~seen[..., None], 0.0).to(both.dtype)
    activated = F.leaky_relu(target[:, :, None] + gathered + features @ edge, _SLOPE)
    logit = torch.unflatten(attention * activated, -1, (width // heads, heads)).sum(dim=-2)
    alpha = torch.softmax(logit.masked_fill(~seen[..., None], -torch.inf), dim=2)
    if drop.threshold:
        alpha = alpha * dropout_factors(drop, alpha.shape, first * alpha[0].numel(), both.device).to(
            both.dtype
        )
    mixed: Tensor = (alpha[..., None, :] * torch.unflatten(gathered, -1, (width // heads, heads))).sum(dim=2)
    return mixed.flatten(-2).masked_fill(~present[..., None], 0.0)


def dropout_factors(drop: Drop, shape: torch.Size, first: int, device: torch.device) -> Tensor:
    """Return 0 for what is dropped and 1 / (1 - share) for the rest, float32.

    Number n of the block is dropped if the upper bits of a hash of n (Wellons, Hash Function Prospector, lowbias32)
    are below the share: nothing is stored between forward and backward, and every device drops the same.

    Args:
        drop: What was drawn.
        shape: Shape of the result.
        first: Number of its first element.
        device: Where to compute.
    """
    factor, offset = drop.seed.to(device, non_blocking=True)
    x = torch.arange(first, first + shape.numel(), device=device) * factor + offset & _WORD
    x = (x ^ x >> 16) * 0x21F0AAAD & _WORD
    x = (x ^ x >> 15) * 0xD35A2D97 & _WORD
    kept = (x ^ x >> 15) >> 32 - DROP_BITS >= drop.threshold
    factors: Tensor = kept.float() * (2.0**DROP_BITS / (2**DROP_BITS - drop.threshold))
    return factors.reshape(shape)


def _drawn(share: float) -> Drop:
    """Draw from torch's generator of the CPU, if anything is to be dropped."""
    threshold = round(share * 2**DROP_BITS)
    seed = torch.randint(2**32, (2,)) if threshold else torch.zeros(2, dtype=torch.int64)
    return Drop(seed | torch.tensor([1, 0]), threshold)


def _with_self(neighbours: Neighbours) -> tuple[Tensor, Tensor, Tensor]:
    """Return index, valid and edge with one more slot: the stock itself, without edge features."""
    index = neighbours.index.long().masked_fill(~neighbours.valid, 0)
    own = torch.arange(index.shape[1], device=index.device).expand(len(index), -1)[..., None]
    return (
        torch.cat([index, own], dim=2),
        F.pad(neighbours.valid, (0, 1), value=True),
        F.pad(neighbours.edge, (0, 0, 0, 1)),
    )


def _in_turn(
    both: Tensor,
    attention: Tensor,
    edge: Tensor,
    neighbours: Neighbours,
    present: Tensor,
    *,
    heads: int,
    drop: Drop,
) -> Tensor:
    """Return `attend`, few enough days at a time to fit into memory; their intermediate tensors are computed twice."""
    size = present.shape[1] * (neighbours.index.shape[2] + 1) * len(attention)
    step = max(1, _AT_ONCE // size)
    if step >= len(both):
        return attend(both, attention, edge, neighbours, present, heads=heads, drop=drop)
    parts = []
    for first in range(0, len(both), step):
        days = slice(first, first + step)
        some = replace(neighbours, graph_of_day=neighbours.graph_of_day[days])
        part = partial(attend, heads=heads, drop=drop, first=first)
        arguments = (both[days], attention, edge, some, present[days])
        parts.append(checkpoint(part, *arguments, use_reentrant=False, preserve_rng_state=False))
    return torch.cat(parts)


class _Fused(torch.autograd.Function):
    """`attend` by compiled kernels, float32 on a CPU; only the attention weights are kept for backward."""

    @staticmethod
    def forward(  # noqa: PLR0917 - torch passes them by position
        ctx: Any, both: Tensor, attention: Tensor, edge: Tensor, neighbours: Neighbours, present: Tensor,
        heads: int, drop: Drop,
    ) -> Tensor:  # fmt: skip
        """Return [L, N, C]."""
        days, stocks, width = both.shape[0], both.shape[1], len(attention)
        alpha = both.new_empty(days, stocks, row_size(neighbours.index.shape[2], heads))
        out = both.new_empty(days, stocks, width)
        ctx.save_for_backward(both, attention, edge, alpha)
        ctx.rest = neighbours, present, drop
        ctx.sizes = Sizes(width, heads, len(edge))
        with _torch_threads():
            kernels(ctx.sizes)[0](*_arrays(ctx, both, attention, edge), alpha.numpy(), out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of ``both``, ``attention`` and ``edge``."""
        both, attention, edge, alpha = ctx.saved_tensors
        days = len(both)
        parts = backward_parts(days)
        d_both = both.new_empty(days, parts, *both.shape[1:])
        d_edge = np.empty((days, parts, *edge.shape), dtype=np.float32)
        d_attention = np.empty((days, parts, *attention.shape), dtype=np.float32)
        arrays = _arrays(ctx, both, attention, edge)
        with _torch_threads():
            kernels(ctx.sizes)[1](
                *arrays, alpha.numpy(), grad.contiguous().numpy(), d_both.numpy(), d_edge, d_attention
            )
        total = d_both[:, 0]
        for part in range(1, parts):
            total = total + d_both[:, part]
        # numpy adds the days in their order, whatever the threads
        by_edge, by_attention = (torch.from_numpy(x.sum(axis=(0, 1))) for x in (d_edge, d_attention))
        return total, by_attention, by_edge, None, None, None, None


def _arrays(ctx: Any, both: Tensor, attention: Tensor, edge: Tensor) -> tuple[Any, ...]:
    """Return what both kernels read, in their order."""
    neighbours, present, drop = ctx.rest
    links = (
        neighbours.index,
        neighbours.valid,
        neighbours.edge.float(),
        neighbours.graph_of_day.long(),
        present,
    )
    arrays = [tensor.detach().contiguous().numpy() for tensor in (both, *links, edge, attention)]
    return (*arrays, np.float32(_SLOPE), np.array([*drop.seed.tolist(), drop.threshold], dtype=np.uint32))


@contextmanager
def _torch_threads() -> Iterator[None]:
    """Let numba use as many threads as torch does, and leave torch's number alone."""
    threads, before = torch.get_num_threads(), numba.get_num_threads()
    numba.set_num_threads(min(threads, before))
    try:
        yield
    finally:
        numba.set_num_threads(before)
        if torch.get_num_threads() != threads:  # numba sets OpenMP's number when it starts its own threads
            torch.set_num_threads(threads)
