"""Logistic loss of sampled pairs."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import softplus

from gogooku3.training.losses.names import Names


def pairwise(
    scores: Float[Tensor, "*rows n"],
    targets: Float[Tensor, "*rows n"],
    names: Names,
    *,
    partners: int,
    seed: int,
    step: int,
) -> Float[Tensor, "*rows"]:
    """Return the mean of ``log(1 + exp(-d))`` over pairs, d the difference in score of the better and the worse.

    RankNet's loss (Burges et al. 2005) on a sample: a row's valid names stand in a circle, and each meets the name
    a drawn number of places further on, ``partners`` times. All names meet equally often and all pairs are equally
    likely. Names with equal targets do not count as a pair. Time and memory are O(partners x n).

    Args:
        scores: Scores.
        targets: Labels.
        names: Which names count.
        partners: Draws for each row.
        seed: Of the draws, not negative.
        step: Of the training, not negative; the same seed and step draw the same pairs.
    """
    count, width = names.valid.sum(dim=-1, keepdim=True), scores.shape[-1]
    slot = torch.where(names.valid, names.valid.cumsum(dim=-1) - 1, width)
    score, target = _compact(scores, slot), _compact(targets, slot)
    place = torch.arange(width, device=scores.device).expand(scores.shape)
    present = (place < count).to(scores.dtype)
    total, pairs = torch.zeros_like(score), torch.zeros_like(score)
    for distance in _distances(count, partners, seed, step):
        other = torch.remainder(place + distance, count.clamp(min=1))
        sign = torch.sign(target - target.gather(-1, other)) * present
        met = sign.abs()
        total = total + met * softplus(-sign * (score - score.gather(-1, other)))
        pairs += met
    return total.sum(dim=-1) / pairs.sum(dim=-1).clamp(min=1.0)


def _compact(x: Float[Tensor, "*rows n"], slot: Int64[Tensor, "*rows n"]) -> Float[Tensor, "*rows n"]:
    """Move each value to its slot; slot n is thrown away."""
    room = x.new_zeros(*x.shape[:-1], x.shape[-1] + 1)
    return room.scatter(-1, slot, x)[..., :-1]


def _distances(
    count: Int64[Tensor, "*rows 1"], partners: int, seed: int, step: int
) -> Int64[Tensor, "partners *rows 1"]:
    """Draw distances from 1 to count - 1."""
    drawn = torch.from_numpy(np.random.default_rng((seed, step)).random((partners, *count.shape)))
    span = (count - 1).clamp(min=1)
    return 1 + (drawn.to(count.device) * span).long()
