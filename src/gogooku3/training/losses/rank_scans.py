"""Ranks of rows in plain torch operations, for devices that the compiled kernels do not run on.

A linear recurrence ``s[k] = decay[k] * s[k - 1] + value[k]`` is solved by doubling (Hillis and Steele 1986): log2 N
steps of whole-array operations. All is computed in float64, as the kernels do, and products of decays can only
underflow.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor


def soft_rank_scan(
    x: Float[Tensor, "R N"], mask: Bool[Tensor, "R N"], temperature: float
) -> tuple[Float[Tensor, "R N"], Int64[Tensor, "R N"], Float64[Tensor, "R N"], Int64[Tensor, " R"]]:
    """Return soft ranks, and what their gradient needs: order, decay and the number of valid values.

    As ``rank_kernels.soft_rank_rows``; order and decay of slots behind the valid ones are arbitrary and 0.
    """
    values, order, real = _ordered(x, mask)
    decay = torch.zeros_like(values)
    decay[:, 1:] = torch.where(real[:, 1:], torch.exp((values[:, :-1] - values[:, 1:]) / temperature), 0.0)
    decay[:, :1] = _finite(x, mask)
    ones = real.to(torch.float64)
    first, last = _tied(values)
    below = _before(decay, ones).gather(1, first)
    above = _behind(decay, ones).gather(1, last)
    ranks = 1.0 + 0.5 * ((first + last) + (above - below)) + decay[:, :1]
    return _restored(ranks, order, mask).to(x.dtype), order, decay, mask.sum(dim=1)


def soft_rank_gradient_scan(
    gradient: Float[Tensor, "R N"],
    order: Int64[Tensor, "R N"],
    decay: Float64[Tensor, "R N"],
    count: Int64[Tensor, " R"],
    temperature: float,
) -> Float[Tensor, "R N"]:
    """Return the gradient in the values from that in the ranks, and what the ranks left."""
    real = torch.arange(order.shape[1], device=order.device) < count[:, None]
    own = torch.where(real, gradient.gather(1, order).to(torch.float64), 0.0)
    both = torch.stack([real.to(torch.float64), own])
    mass, weighted = _before(decay, both) + _behind(decay, both)
    result = (own * mass - weighted) * (0.5 / temperature) + decay[:, :1]
    return torch.zeros_like(result).scatter(1, order, torch.where(real, result, 0.0)).to(gradient.dtype)


def average_rank_scan(x: Float[Tensor, "R N"], mask: Bool[Tensor, "R N"]) -> Float[Tensor, "R N"]:
    """Return 1-based average ranks among the valid values of each row, 0 elsewhere."""
    values, order, _ = _ordered(x, mask)
    first, last = _tied(values)
    ranks = 1.0 + 0.5 * (first + last) + _finite(x, mask)
    return _restored(ranks, order, mask).to(x.dtype)


def _ordered(
    x: Float[Tensor, "R N"], mask: Bool[Tensor, "R N"]
) -> tuple[Float64[Tensor, "R N"], Int64[Tensor, "R N"], Bool[Tensor, "R N"]]:
    """Return values by rising value with the valid ones first, where they come from, and which are valid."""
    values, order = torch.sort(torch.where(mask, torch.nan_to_num(x), torch.inf), dim=1, stable=True)
    real = torch.arange(x.shape[1], device=x.device) < mask.sum(dim=1, keepdim=True)
    return values.to(torch.float64), order, real


def _restored(
    ranks: Float64[Tensor, "R N"], order: Int64[Tensor, "R N"], mask: Bool[Tensor, "R N"]
) -> Float64[Tensor, "R N"]:
    return torch.where(mask, torch.empty_like(ranks).scatter(1, order, ranks), 0.0)


def _finite(x: Float[Tensor, "R N"], mask: Bool[Tensor, "R N"]) -> Float64[Tensor, "R 1"]:
    """Return 0, or NaN for a row with a valid value that is not finite."""
    return torch.where(mask, 0.0 * x, 0.0).sum(dim=1, keepdim=True).to(torch.float64)


def _tied(values: Float64[Tensor, "R N"]) -> tuple[Int64[Tensor, "R N"], Int64[Tensor, "R N"]]:
    """Return the first and the last position that hold the same value."""
    width = values.shape[1]
    position = torch.arange(width, device=values.device).expand(values.shape)
    step = torch.ones_like(values[:, :1], dtype=torch.bool)
    change = values[:, 1:] != values[:, :-1]
    first = torch.where(torch.cat([step, change], dim=1), position, 0).cummax(dim=1).values
    ends = torch.where(torch.cat([change, step], dim=1), position, width - 1)
    return first, ends.flip(1).cummin(dim=1).values.flip(1)


def _before(decay: Float64[Tensor, "R N"], value: Float64[Tensor, "*S R N"]) -> Float64[Tensor, "*S R N"]:
    """Return the decayed sum of the values at smaller positions."""
    total, step = value, 1
    while step < value.shape[-1]:
        grown = total[..., step:] + decay[..., step:] * total[..., :-step]
        total = torch.cat([total[..., :step], grown], dim=-1)
        decay = torch.cat([decay[..., :step], decay[..., step:] * decay[..., :-step]], dim=-1)
        step *= 2
    return total - value


def _behind(decay: Float64[Tensor, "R N"], value: Float64[Tensor, "*S R N"]) -> Float64[Tensor, "*S R N"]:
    """Return the decayed sum of the values at larger positions."""
    mirrored = torch.cat([torch.zeros_like(decay[:, :1]), decay[:, 1:].flip(1)], dim=1)
    return _before(mirrored, value.flip(-1)).flip(-1)
