"""What a training changes as it goes, and a checkpoint keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from gogooku3.models.deep_model import DeepModel
from gogooku3.training.course import Recipe
from gogooku3.training.ema import Ema
from gogooku3.training.optimizers import make_optimizer
from gogooku3.training.schedulers import make_scheduler


@dataclass(kw_only=True)
class Progressed:
    """Where a training stands; what a checkpoint holds beside weights and optimizer.

    Attributes:
        epoch: Epoch at hand, from 0.
        step: Steps done in it.
        seen: Sum of the losses of the epoch's steps.
        history: Mean validation RankIC and that of each target after every epoch, as [mean, [T]].
        best: Epochs after which validation was best; 0 before the first.
    """

    epoch: int = 0
    step: int = 0
    seen: float = 0.0
    history: list[tuple[float, list[float]]] = field(default_factory=list)
    best: int = 0


class TrainingState:
    """Model, optimizer, averaged weights, learning rate, place, and the best weights so far.

    Args:
        model: The model, on the device that trains.
        recipe: How to train.
        steps: Steps of the first epoch; others may have a few more or fewer.
        epochs: Epochs at most, of which the learning rate's course is made.
    """

    def __init__(self, model: DeepModel, recipe: Recipe, *, steps: int, epochs: int) -> None:
        self.model, self.steps = model, steps
        self.optimizer = make_optimizer(recipe.optimizer, model.parameters())
        self.ema = Ema(model, recipe.deep.ema)
        self.schedule = make_scheduler(recipe.scheduler, self.optimizer, steps_per_epoch=steps, epochs=epochs)
        self.at = Progressed()
        self.best: Mapping[str, Tensor] = {}

    @property
    def step(self) -> int:
        """Number of the step at hand, each epoch before it counted as long as the first."""
        return self.at.epoch * self.steps + self.at.step

    def averaged(self) -> Mapping[str, Tensor]:
        """Return a copy of the model's state with the averaged weights, on the CPU."""
        with self.ema.swap():
            return {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Return all of it for a checkpoint, the tensors not copied."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
            "schedule": self.schedule.state_dict(),
            "at": dict(vars(self.at)),
            "best": dict(self.best),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned.

        Raises:
            ModelError: It is of a model with other parameters.
        """
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["ema"])
        self.schedule.load_state_dict(state["schedule"])
        self.at = Progressed(**state["at"])
        self.best = state["best"]
