"""The soft rank with a Laplace kernel, exact in O(n log n) time and O(n) memory."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gogooku3.errors import ModelError
from gogooku3.training.losses.rank_arrays import as_rows, threads_of_torch, with_bits
from gogooku3.training.losses.rank_kernels import average_rank_rows, soft_rank_gradient_rows, soft_rank_rows
from gogooku3.training.losses.rank_scans import (
    average_rank_scan,
    soft_rank_gradient_scan,
    soft_rank_scan,
)


def soft_rank(
    x: Float[Tensor, "*rows n"],
    mask: Bool[Tensor, "*rows n"] | None = None,
    temperature: float = 0.1,
    *,
    compiled: bool | None = None,
) -> Float[Tensor, "*rows n"]:
    """Return differentiable ranks along the last axis.

    ``r[i] = 1/2 + sum over valid j of F((x[i] - x[j]) / temperature)`` with F the distribution function of the
    Laplace law, ``exp(u) / 2`` for u <= 0 and ``1 - exp(-u) / 2`` above; ``j = i`` counts 1/2. As the temperature
    falls this becomes the average rank, from 1 to n; tied values have equal ranks at any temperature. Sums of
    ``exp(-|x[i] - x[j]| / temperature)`` over sorted values are two linear recurrences in the exponentials of the
    gaps, which are never positive: nothing overflows. The density of F is continuous, so the gradient is too, ties
    included: ``dr[i] / dx[k] = -exp(-|x[i] - x[k]| / temperature) / (2 temperature)``, less the sum of these on the
    diagonal. Backward is two recurrences along the same order; it cannot be differentiated again.

    Args:
        x: Scores; half precision is computed in float32.
        mask: Which are ranked. Whatever stands in the other slots, NaN included, changes no bit.
        temperature: Softness in units of ``x``.
        compiled: Whether numba or torch computes; None for numba on the CPU and torch elsewhere.

    Returns:
        Ranks, 0 where the mask is False. A row with a valid value that is not finite has only NaN.

    Raises:
        ModelError: The temperature is not positive and finite.
    """
    if not (0.0 < temperature < math.inf):
        raise ModelError("a soft rank needs a positive temperature", got=temperature)
    apply: Any = _SoftRank.apply
    ranks: Tensor = apply(*_rows(x, mask), temperature, on_cpu(x) if compiled is None else compiled)
    return ranks.reshape(x.shape)


def average_rank(
    x: Float[Tensor, "*rows n"],
    mask: Bool[Tensor, "*rows n"] | None = None,
    *,
    compiled: bool | None = None,
) -> Float[Tensor, "*rows n"]:
    """Return 1-based ranks along the last axis, ties averaged, without a gradient: what ``soft_rank`` tends to."""
    rows, valid = _rows(x.detach(), mask)
    if on_cpu(x) if compiled is None else compiled:
        with threads_of_torch():
            ranks = torch.from_numpy(average_rank_rows(*with_bits(rows), valid.numpy()))
    else:
        ranks = average_rank_scan(rows, valid)
    return ranks.reshape(x.shape)


class _SoftRank(torch.autograd.Function):
    """Forward by one sort and two recurrences, backward by two recurrences along the kept order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, temperature: float, by_kernel: bool) -> Tensor:
        if by_kernel:
            with threads_of_torch():
                made = soft_rank_rows(*with_bits(x), mask.numpy(), temperature)
            ranks, *kept = (torch.from_numpy(array) for array in made)
        else:
            ranks, *kept = soft_rank_scan(x, mask, temperature)
        ctx.save_for_backward(*kept)
        ctx.temperature, ctx.by_kernel = temperature, by_kernel
        return ranks

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        order, decay, count = ctx.saved_tensors
        if ctx.by_kernel:
            kept = (gradients[0].contiguous().numpy(), order.numpy(), decay.numpy(), count.numpy())
            with threads_of_torch():
                result = torch.from_numpy(soft_rank_gradient_rows(*kept, ctx.temperature))
        else:
            result = soft_rank_gradient_scan(gradients[0], order, decay, count, ctx.temperature)
        return result, None, None, None


def on_cpu(x: Tensor) -> bool:
    """Say whether the compiled kernels can rank a tensor."""
    return x.device.type == "cpu"


def _rows(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    rows = as_rows(x)
    return rows, torch.ones_like(rows, dtype=torch.bool) if mask is None else as_rows(mask)
