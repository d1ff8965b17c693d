"""The loss of a model on one block."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from gogooku3.models.day_block import DayBlock
from gogooku3.models.deep_model import DeepModel
from gogooku3.training.course import Recipe
from gogooku3.training.feed import Fed
from gogooku3.training.losses.rank_preserving import RankPreservingLoss
from gogooku3.training.seeds import seeded


class BlockLoss:
    """The loss of a model on one block, the same however often it is asked for.

    Args:
        model: The model; it is compiled here if the recipe says so.
        recipe: How to train.
        seed: Of a loss that draws pairs.
    """

    def __init__(self, model: DeepModel, recipe: Recipe, *, seed: int) -> None:
        self._forward: Callable[[DayBlock], Tensor] = torch.compile(model) if recipe.deep.compile else model
        self._loss = RankPreservingLoss.from_settings(recipe.loss, seed=seed)
        self._precision = recipe.deep.precision

    def __call__(self, fed: Fed, *, seed: int, step: int) -> Float[Tensor, ""]:
        """Return the loss, a scalar with gradient.

        Args:
            fed: The block and its labels.
            seed: Of the dropout.
            step: Of the training; a loss that draws pairs draws others at every step.

        Raises:
            ModelError: No session has labels enough.
        """
        block, labels = fed
        with seeded(seed):
            with self._arithmetic(labels.device):
                output = self._forward(block)
            return self._loss.parts(output.float(), labels, block.scored, step=step).total

    def _arithmetic(self, device: torch.device) -> AbstractContextManager[object]:
        if self._precision == "float32":
            return nullcontext()
        return torch.autocast(device.type, torch.bfloat16)
