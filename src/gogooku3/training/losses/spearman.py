"""Spearman's correlation with a gradient."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gogooku3.training.losses.block import as_block, refuse_uncounted
from gogooku3.training.losses.names import Names
from gogooku3.training.losses.rank_arrays import as_rows, threads_of_torch, with_bits
from gogooku3.training.losses.rank_kernels import spearman_rows
from gogooku3.training.losses.soft_rank import average_rank, on_cpu, soft_rank
from gogooku3.training.losses.standardise import SMALLEST, standardise


def soft_spearman(
    scores: Float[Tensor, "L N T"],
    targets: Float[Tensor, "L N T"],
    mask: Bool[Tensor, "L N"] | Bool[Tensor, "L N T"] | None = None,
    *,
    temperature: float = 0.1,
) -> Float[Tensor, "L T"]:
    """Return each session's and target's Spearman correlation with soft ranks of the scores; nothing is pooled.

    It is Pearson's correlation of the soft ranks of the standardised scores with the average ranks of the targets.
    Over sessions it is averaged by ``nanmean``. Scores that are constant over a session have correlation 0 and a
    finite but very large gradient.

    Args:
        scores: Higher is better.
        targets: Labels, NaN where there is none.
        mask: Which names are there.
        temperature: Softness of the ranks, in standard deviations of the session's scores.

    Returns:
        In [-1, 1]; NaN for sessions of fewer than 20 valid names or a constant target.

    Raises:
        ModelError: No session has a value, or shapes do not fit.
    """
    block = as_block(scores, targets, mask)
    refuse_uncounted(block)
    rho = row_spearman(block.scores, block.labels, block.names, temperature)
    return torch.where(block.counted, rho, torch.nan)


def row_spearman(
    scores: Float[Tensor, "*rows n"],
    labels: Float[Tensor, "*rows n"],
    names: Names,
    temperature: float,
    *,
    compiled: bool | None = None,
) -> Float[Tensor, "*rows"]:
    """Return the correlation along the last axis of soft ranks of standardised scores with ranks of labels.

    Args:
        scores: Standardised scores.
        labels: Labels.
        names: Which names count.
        temperature: Softness of the ranks, in units of the scores.
        compiled: Whether one kernel computes value and gradient; None for yes on the CPU and no elsewhere.
    """
    if on_cpu(scores) if compiled is None else compiled:
        apply: Any = _Spearman.apply
        rho: Tensor = apply(as_rows(scores), as_rows(labels), as_rows(names.valid), temperature)
        return rho.reshape(scores.shape[:-1])
    soft = standardise(soft_rank(scores, names.valid, temperature, compiled=False), names)
    hard = standardise(average_rank(labels, names.valid, compiled=False), names)
    return names.mean(soft * hard)


class _Spearman(torch.autograd.Function):
    """Value and gradient in one pass over the rows."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, labels: Tensor, mask: Tensor, temperature: float) -> Tensor:
        with threads_of_torch():
            rho, gradient = spearman_rows(
                with_bits(scores), with_bits(labels), mask.numpy(), temperature, SMALLEST
            )
        ctx.save_for_backward(torch.from_numpy(gradient))
        return torch.from_numpy(rho)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * gradients[0][:, None], None, None, None
