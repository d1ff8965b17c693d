"""Training of a point whose number of epochs is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gogooku3.errors import SettingsError
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.deep import DeepWork, Material
from gogooku3.pipeline.run_folder import Run
from gogooku3.training.course import Course, Trained
from gogooku3.training.deep_trainer import DeepTrainer

if TYPE_CHECKING:
    from gogooku3.config.process import TorchProcess
    from gogooku3.models.deep_model import DeepModel


class BestWork(DeepWork):
    """Trains members on training and validation sessions for a number of epochs that is known.

    Args:
        run: The run; it refits.
        panel: The panel.
        stop: Session after the last that is read.
        epochs: Epochs of every member, of the course that the run's settings describe.
    """

    def __init__(self, run: Run, panel: Panel, stop: int, epochs: int) -> None:
        super().__init__(run, panel, stop)
        self.epochs = epochs

    def inputs(self) -> Mapping[str, Any]:
        """Return what results depend on beside the run's settings and panel."""
        return {"epochs": self.epochs}

    def _trainer(self, material: Material, process: TorchProcess) -> DeepTrainer:
        usual = super()._trainer(material, process)
        if usual.recipe.scheduler.type == "plateau":
            raise SettingsError(
                "the best trial cannot be trained again: its learning rate went by a validation score",
                got="scheduler.type plateau",
                expected="a schedule whose rate follows from the epoch alone",
            )
        return _EpochsKnown(usual, self.epochs)


class _EpochsKnown(DeepTrainer):
    """Answers the question for the number of epochs without a training."""

    def __init__(self, usual: DeepTrainer, epochs: int) -> None:
        super().__init__(usual.data, usual.recipe, usual.listener)
        self.epochs = epochs

    def train(self, make_model: Callable[[], DeepModel], course: Course, folder: Path) -> Trained:
        if len(course.watched):
            unknown = (math.nan,) * len(self.data.targets)
            return Trained(weights={}, epochs=self.epochs, validation=unknown, history=())
        return super().train(make_model, course, folder)
