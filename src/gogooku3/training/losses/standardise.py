"""Mean 0 and standard deviation 1 among the names of each session."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gogooku3.training.losses.names import Names

SMALLEST = 1e-6  # a standard deviation; values that vary less are shrunk towards 0, not blown up


def standardise(x: Float[Tensor, "*rows n"], names: Names) -> Float[Tensor, "*rows n"]:
    """Return ``(x - mean) / sqrt(variance + 1e-12)`` of the names that count, 0 elsewhere.

    The variance is the population's. A row without variation becomes 0, and its gradient stays finite, up to
    1e6 times the one that arrives. What stands in other slots, NaN included, has no effect and no gradient.
    """
    apply: Any = _Standardise.apply
    scaled: Tensor = apply(x, names)
    return scaled


class _Standardise(torch.autograd.Function):
    """In closed form: autograd's two dozen passes over a block take longer than ranking it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, names: Names) -> Tensor:
        filled = torch.where(names.valid, x, 0.0)
        scaled = (filled - filled.sum(dim=-1, keepdim=True) / names.count).mul_(names.weight)
        variance = torch.linalg.vecdot(scaled, scaled)[..., None] / names.count
        scale = torch.rsqrt(variance + SMALLEST**2)
        scaled *= scale
        ctx.save_for_backward(scaled, scale)
        ctx.names = names
        return scaled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        scaled, scale = ctx.saved_tensors
        names: Names = ctx.names
        gradient = gradients[0] * names.weight
        mean = gradient.sum(dim=-1, keepdim=True) / names.count
        along = torch.linalg.vecdot(gradient, scaled)[..., None] / names.count
        gradient -= mean
        gradient -= scaled * along
        return gradient.mul_(scale).mul_(names.weight), None
