"""Blocks of sessions for the tests."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

NAN = float("nan")


def block(
    seed: int, shape: tuple[int, int, int] = (5, 60, 3), dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw scores, targets with gaps and ties [L, N, T], and who is there [L, N]; every session counts."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=shape) * rng.choice([0.01, 1.0, 30.0], size=(shape[0], 1, 1)) + 3.0
    targets = np.round(rng.standard_t(4, size=shape) * 0.02, 3)
    targets[rng.random(shape) < 0.15] = NAN
    mask = rng.random(shape[:2]) < 0.8
    return torch.from_numpy(scores).to(dtype), torch.from_numpy(targets).to(dtype), torch.from_numpy(mask)


def day_rows(
    scores: Tensor, targets: Tensor, mask: Tensor, day: int, target: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and labels of the names that count on one session."""
    label = targets[day, :, target].detach().numpy()
    kept = mask[day].numpy() & ~np.isnan(label)
    return scores[day, :, target].detach().numpy()[kept], label[kept]


def standard(x: np.ndarray) -> np.ndarray:
    """Standardise by the population's standard deviation."""
    return (x - x.mean()) / x.std()
