"""Weights that depend on a session's age, placed where a chunk of sessions reads its past."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def by_age(weights: Float[Tensor, "K span"], count: int, outside: float) -> Float[Tensor, "K count inputs"]:
    """Return K bands over ``count`` outputs and the ``inputs = count + span - 1`` sessions that they read.

    Args:
        weights: One value per age, the oldest first; the last is of an output's own session.
        count: Outputs.
        outside: What stands where an output does not read: later sessions, and those older than ``span``.
    """
    span = weights.shape[1]
    outputs = torch.arange(count, device=weights.device)[:, None]
    inputs = torch.arange(count + span - 1, device=weights.device)
    place = inputs - outputs
    read = (place >= 0) & (place < span)
    placed = weights.index_select(1, place.clamp(0, span - 1).flatten()).view(-1, *place.shape)
    return torch.where(read, placed, outside)
