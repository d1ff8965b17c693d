"""A small encoded market in memory, with a signal that needs a stock's history."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gogooku3.models.atft_gat_fan_settings import AtftGatFanSettings
from gogooku3.models.deep_model import DeepModel
from gogooku3.scoring.build_model import build_model
from gogooku3.scoring.day_source import DaySource
from gogooku3.training.course import Course, Recipe, Trained
from gogooku3.training.deep_settings import DeepSettings
from gogooku3.training.deep_trainer import DeepTrainer
from gogooku3.training.losses.settings import LossSettings
from gogooku3.training.optimizer_settings import OptimizerSettings
from gogooku3.training.scheduler_settings import SchedulerSettings
from gogooku3.training.training_data import TrainingData

DAYS = np.datetime64("2020-01-06") + np.arange(160)
TARGETS = ("h1_d1", "h5_d1")
TRAIN, WATCHED = np.arange(10, 120), np.arange(125, 158)
ATFT = AtftGatFanSettings(hidden=8, lookback=8, convolutions=1, heads=2, gat_layers=0)


def source() -> tuple[DaySource, np.ndarray]:
    """Return encoded days [160, 120, 4] and labels that follow the mean of a column over three days."""
    rng = np.random.default_rng(0)
    x = (rng.random((160, 120, 4)) - 0.5).astype(np.float16)
    present = rng.random((160, 120)) < 0.95
    x[~present] = np.nan
    universe = present & (rng.random((160, 120)) < 0.9)
    known = np.nan_to_num(x.astype(np.float32))
    signal = sum(np.roll(known[:, :, 0], k, axis=0) for k in range(3))
    labels = np.stack([signal + rng.normal(size=signal.shape) * s for s in (0.5, 1.0)], axis=-1)
    labels[~universe] = np.nan
    labels[157:] = np.nan
    return DaySource(first=0, x=x, present=present, universe=universe), labels.astype(np.float32)


def trainer(**changes: object) -> DeepTrainer:
    usual: dict[str, object] = {"epochs": 3, "sessions": 10, "parts": 1, "checkpoint_every": 4, "seeds": 2}
    recipe = Recipe(
        deep=DeepSettings.model_validate({**usual, **changes}),
        loss=LossSettings(),
        optimizer=OptimizerSettings(learning_rate=1e-2),
        scheduler=SchedulerSettings(),
    )
    return DeepTrainer(data(), recipe)


def data() -> TrainingData:
    """Return the market with both targets watched."""
    days, labels = source()
    return TrainingData(source=days, labels=labels, days=DAYS, targets=TARGETS, watch=np.array([True, True]))


def make_model(settings: AtftGatFanSettings = ATFT) -> DeepModel:
    return build_model(described(settings))


def described(settings: AtftGatFanSettings = ATFT) -> dict[str, object]:
    return {
        "kind": "atft_gat_fan",
        "settings": settings.model_dump(mode="json"),
        "columns": ["a", "b", "c", "d"],
        "targets": list(TARGETS),
        "edges": [],
        "quantiles": [],
    }


def course(**changes: object) -> Course:
    usual: dict[str, object] = {
        "name": "atft_gat_fan, fold 2020, seed 0",
        "key": "k",
        "seed": 0,
        "sessions": TRAIN,
        "watched": WATCHED,
        "epochs": 3,
        "stop_after": 3,
    }
    return Course(**{**usual, **changes})  # type: ignore[arg-type]


def train(folder: Path, **changes: object) -> Trained:
    return trainer().train(make_model, course(**changes), folder)
