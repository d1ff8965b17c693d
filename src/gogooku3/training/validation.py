"""How well a model ranks the sessions that its training is stopped by."""

from __future__ import annotations

import numpy as np
import torch

from gogooku3.errors import ModelError
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.models.deep_model import DeepModel
from gogooku3.training.checked_scores import checked_scores
from gogooku3.training.course import Course
from gogooku3.training.seeds import mixed_seed
from gogooku3.training.training_data import TrainingData


def validate(
    model: DeepModel, data: TrainingData, course: Course, *, epoch: int, device: torch.device
) -> list[float]:
    """Return the validation RankIC of each target: the mean over the watched sessions, NaN if none has one.

    Args:
        model: The model, with the weights to measure.
        data: What it reads and predicts.
        course: Its training, which names the sessions.
        epoch: Epochs that are done.
        device: Where the model is.

    Raises:
        ModelError: Scores are degenerate.
    """
    watched = course.watched
    where = f"{course.name}, after epoch {epoch}"
    seed = mixed_seed(course.seed, epoch)
    scores = checked_scores(model, data, watched, where, seed=seed, device=device)
    labels = data.labels[watched]
    return [
        _mean_of_days(daily_rank_ic(_float64(scores[:, :, t]), _float64(labels[:, :, t])).values)
        for t in range(len(data.targets))
    ]


def watched_mean(rank_ic: list[float], data: TrainingData, course: Course) -> float:
    """Return the mean over the watched targets, none of which may be unknown: nothing could be better then.

    Args:
        rank_ic: Validation RankIC of each target, [T].
        data: Names the targets and says which are watched.
        course: The training.

    Raises:
        ModelError: A watched target has no RankIC.
    """
    watch = np.flatnonzero(data.watch)
    unknown = [data.targets[t] for t in watch if not np.isfinite(rank_ic[t])]
    if unknown:
        raise ModelError(
            "validation cannot be measured",
            where=f"{course.name}, {', '.join(map(str, unknown))}",
            got=f"no day with labels of enough stocks among {len(course.watched)} sessions",
            remedy="validate on more sessions or stocks, or leave the horizon out of train.horizons",
        )
    return float(np.mean([rank_ic[t] for t in watch]))


def _mean_of_days(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _float64(grid: np.ndarray) -> np.ndarray:
    return grid.astype(np.float64)
