"""Losses of one stock's error; values are 0 where a name does not count."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gogooku3.training.losses.names import Names


def mse(
    scores: Float[Tensor, "*rows n"], targets: Float[Tensor, "*rows n"], names: Names
) -> Float[Tensor, "*rows"]:
    """Return the mean squared error of each row; of standardised values it is 2 - 2 x correlation."""
    return names.mean((scores - targets).square())


def huber(
    scores: Float[Tensor, "*rows n"], targets: Float[Tensor, "*rows n"], names: Names, delta: float
) -> Float[Tensor, "*rows"]:
    """Return the mean of Huber's loss, ``e^2 / 2`` within delta and ``delta (|e| - delta / 2)`` beyond (1964)."""
    return names.mean(torch.nn.functional.huber_loss(scores, targets, reduction="none", delta=delta))


def pinball(
    heads: Float[Tensor, "*rows Q n"],
    targets: Float[Tensor, "*rows n"],
    names: Names,
    quantiles: tuple[float, ...],
) -> Float[Tensor, "*rows"]:
    """Return the pinball loss, the mean over names and quantiles (Koenker and Bassett 1978).

    Args:
        heads: Predicted quantiles, in the unit of the targets.
        targets: Labels.
        names: Which names count.
        quantiles: Their probabilities, in the order of the axis Q.
    """
    error = targets.unsqueeze(-2) - heads
    level = torch.tensor(quantiles, dtype=heads.dtype, device=heads.device)[:, None]
    return names.mean(torch.maximum(level * error, (level - 1.0) * error).mean(dim=-2))
