"""Which session and target of a block make a training step break."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Labels = Float[Tensor, "L N T"]


def find_fault(fails: Callable[[Labels], bool], labels: Labels) -> tuple[int | None, int | None]:
    """Return the first session and target whose labels alone break the step; None where it takes several.

    A target takes one trial, its session as many as the sessions can be halved.

    Args:
        fails: Tells whether the step breaks with these labels.
        labels: NaN where there is none.
    """
    for target in range(labels.shape[2]):
        alone = torch.full_like(labels, torch.nan)
        alone[:, :, target] = labels[:, :, target]
        if fails(alone):
            return _session(fails, alone), target
    return None, None


def _session(fails: Callable[[Labels], bool], labels: Labels) -> int | None:
    begin, stop = 0, len(labels)
    while stop - begin > 1:
        middle = (begin + stop) // 2
        if fails(_between(labels, begin, middle)):
            stop = middle
        else:
            begin = middle
    return begin if fails(_between(labels, begin, stop)) else None


def _between(labels: Labels, begin: int, stop: int) -> Labels:
    part = torch.full_like(labels, torch.nan)
    part[begin:stop] = labels[begin:stop]
    return part
