"""What a training of a deep model is asked for, and what it ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from gogooku3.training.deep_settings import DeepSettings
from gogooku3.training.losses.settings import LossSettings
from gogooku3.training.optimizer_settings import OptimizerSettings
from gogooku3.training.scheduler_settings import SchedulerSettings


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: the loop, the loss, the optimizer and the course of its learning rate."""

    deep: DeepSettings
    loss: LossSettings
    optimizer: OptimizerSettings
    scheduler: SchedulerSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """One training: what it learns from and for how long.

    Attributes:
        name: What errors and progress call it.
        key: Digest of everything that the result depends on; a checkpoint of another key is not gone on from.
        seed: Seed of weights, order and dropout.
        sessions: Sessions to learn from, int64 [S].
        watched: Later sessions to stop by, int64 [V]; empty to train for all ``epochs``.
        epochs: Epochs at most, of which the learning rate's course is made.
        stop_after: Epochs after which to stop in any case.
        replayed: Validation score after each epoch of the training that found ``stop_after``: what a plateau goes by
            where nothing is watched.
    """

    name: str
    key: str
    seed: int
    sessions: np.ndarray
    watched: np.ndarray
    epochs: int
    stop_after: int
    replayed: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Trained:
    """What a training ends with.

    Attributes:
        weights: The averaged weights after the best epoch, or after the last one where nothing was watched.
        epochs: Number of epochs that made them.
        validation: Validation RankIC of each target then; NaN where nothing was watched.
        history: Mean validation RankIC after each epoch that was made.
    """

    weights: Mapping[str, torch.Tensor]
    epochs: int
    validation: tuple[float, ...]
    history: tuple[float, ...]
