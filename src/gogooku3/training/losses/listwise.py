"""Losses of a whole session's list; values are 0 where a name does not count."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from gogooku3.training.losses.names import Names

_ABSENT = 1e30  # takes all weight from a logit; infinity would be NaN in a session without names


def ic(
    scores: Float[Tensor, "*rows n"], targets: Float[Tensor, "*rows n"], names: Names
) -> Float[Tensor, "*rows"]:
    """Return 1 - Pearson's correlation of values that are standardised."""
    return 1.0 - names.mean(scores * targets)


def listnet(
    scores: Float[Tensor, "*rows n"], targets: Float[Tensor, "*rows n"], names: Names
) -> Float[Tensor, "*rows"]:
    """Return the cross entropy of the chances to be first, softmax of targets and of scores (Cao et al. 2007)."""
    absent = (names.weight - 1.0) * _ABSENT
    wanted = (targets + absent).softmax(dim=-1)
    return -(wanted * (scores + absent).log_softmax(dim=-1)).sum(dim=-1)
