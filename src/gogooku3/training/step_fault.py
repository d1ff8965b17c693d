"""What breaks a training step: which session, which target, which gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gogooku3.errors import ModelError
from gogooku3.models.day_block import DayBlock
from gogooku3.models.deep_model import DeepModel
from gogooku3.training.day_sampler import Batch
from gogooku3.training.feed import Fed
from gogooku3.training.find_fault import find_fault
from gogooku3.training.training_data import TrainingData

LossOf = Callable[[int, Fed], Tensor]
"""Returns the loss of a step's block, given its number in the step; the same however often it is asked for."""


@dataclass(frozen=True, kw_only=True)
class StepFault:
    """What breaks a step, by name.

    Attributes:
        day: The session whose labels alone break it; else the first and the last one of the step.
        target: The target whose labels alone break it; else that it takes several.
        parameters: The parameters whose gradient was not finite.
    """

    day: str
    target: str
    parameters: tuple[str, ...]


def find_step_fault(
    model: DeepModel, blocks: Sequence[tuple[Batch, Fed]], loss_of: LossOf, data: TrainingData
) -> StepFault:
    """Return what breaks a step whose loss or gradient is not finite; the model's gradients are lost by it.

    Args:
        model: The model, with the gradients of the step.
        blocks: What the step learns from.
        loss_of: The loss of each.
        data: Names sessions and targets.
    """
    parameters = tuple(name for name, p in model.named_parameters() if not _is_finite(p.grad))
    day, target = _day_and_target(model, blocks, loss_of, data)
    return StepFault(day=day, target=target, parameters=parameters)


def _day_and_target(
    model: DeepModel, blocks: Sequence[tuple[Batch, Fed]], loss_of: LossOf, data: TrainingData
) -> tuple[str, str]:
    """Return session and target, by name, that break the step by themselves; else what they are among."""
    among = f"{data.days[blocks[0][0].start]} to {data.days[blocks[-1][0].stop - 1]}"
    for number, (batch, (block, labels)) in enumerate(blocks):
        day, target = find_fault(partial(_breaks, model, partial(loss_of, number), block), labels)
        if target is not None:
            return among if day is None else str(data.days[batch.start + day]), str(data.targets[target])
    return among, "several targets together"


def _breaks(model: DeepModel, loss_of: Callable[[Fed], Tensor], block: DayBlock, labels: Tensor) -> bool:
    """Tell whether loss or gradient of a block are not finite with these labels."""
    model.zero_grad(set_to_none=True)
    try:
        loss = loss_of((block, labels))
    except ModelError:
        return False  # too few labels for a loss
    if not bool(torch.isfinite(loss)):
        return True
    torch.autograd.backward(loss)
    return not all(_is_finite(p.grad) for p in model.parameters())


def _is_finite(gradient: Tensor | None) -> bool:
    return gradient is None or bool(torch.isfinite(gradient).all())
