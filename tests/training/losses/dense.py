"""Definitions written out over all pairs, for the tests."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def laplace(u: Tensor) -> Tensor:
    """Distribution function of the Laplace law."""
    return torch.where(u <= 0, 0.5 * u.clamp(max=0).exp(), 1.0 - 0.5 * (-u.clamp(min=0)).exp())


def dense_soft_rank(x: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """The definition of the soft rank, O(n^2)."""
    terms = laplace((x[..., :, None] - x[..., None, :]) / temperature)
    return torch.where(mask, 0.5 + torch.where(mask[..., None, :], terms, 0.0).sum(dim=-1), 0.0)


def drawn(seed: int, rows: int, n: int, *, ties: bool = False, full: bool = False) -> tuple[Tensor, Tensor]:
    """Draw float64 scores and a mask, [rows, n]."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, n)) * rng.choice([0.1, 1.0, 5.0], size=(rows, 1))
    if ties:
        x = np.round(x, 1)
    return torch.from_numpy(x), torch.from_numpy(full | (rng.random((rows, n)) < 0.7))
