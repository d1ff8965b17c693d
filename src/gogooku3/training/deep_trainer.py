"""Training of deep models over blocks of sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gogooku3.models.deep_model import DeepModel
from gogooku3.training.course import Course, Recipe, Trained
from gogooku3.training.course_run import CourseRun
from gogooku3.training.listener import Listener, Quiet
from gogooku3.training.training_data import TrainingData


class DeepTrainer:
    """Trains models on the sessions of one panel.

    Args:
        data: What models read and predict.
        recipe: How to train.
        listener: Told of steps and epochs; nobody if None.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, listener: Listener | None = None) -> None:
        self.data, self.recipe = data, recipe
        self.listener = listener or Quiet()

    def train(self, make_model: Callable[[], DeepModel], course: Course, folder: Path) -> Trained:
        """Train from the last checkpoint in ``folder``, or from the start.

        The same course gives the same weights, bit for bit, however often it was interrupted, on one machine with
        one number of threads.

        Raises:
            ModelError: Loss or gradient are not finite, or scores are degenerate.
            StorageError: A checkpoint is damaged.
        """
        run = CourseRun(
            make_model, course, data=self.data, recipe=self.recipe, folder=folder, listener=self.listener
        )
        run.resume()
        return run.finish()
