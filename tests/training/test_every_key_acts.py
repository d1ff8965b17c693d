"""Every setting of deep models changes what is trained, not merely a hash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import BaseModel

from gogooku3.config.settings import Settings
from gogooku3.models.atft_gat_fan_settings import AtftGatFanSettings
from gogooku3.models.baselines.gru_settings import GruSettings
from gogooku3.scoring.build_model import build_model
from gogooku3.training.checkpoint import checkpoint_steps
from gogooku3.training.course import Recipe, Trained
from gogooku3.training.deep_settings import DeepSettings
from gogooku3.training.deep_trainer import DeepTrainer
from gogooku3.training.losses.settings import LossSettings
from gogooku3.training.optimizer_settings import OptimizerSettings
from gogooku3.training.scheduler_settings import SchedulerSettings
from tests.training.deep_market import TARGETS, TRAIN, course, data

SMALL: dict[str, dict[str, Any]] = {
    "atft": {"hidden": 16, "lookback": 8, "convolutions": 1, "heads": 2, "gat_layers": 0},
    "gru": {"hidden": 8, "lookback": 4},
    "loss": {},
    "optimizer": {"learning_rate": 1e-2},
    "scheduler": {},
    "deep": {"epochs": 2, "sessions": 20, "parts": 1, "ema": 0.9},
}
KINDS: dict[str, type[BaseModel]] = {
    "atft": AtftGatFanSettings,
    "gru": GruSettings,
    "loss": LossSettings,
    "optimizer": OptimizerSettings,
    "scheduler": SchedulerSettings,
    "deep": DeepSettings,
}
PLATEAU: dict[str, object] = {"scheduler.type": "plateau", "deep.epochs": 4}
CHANGED: dict[str, tuple[object, dict[str, object]]] = {  # another value, and what makes the key be read
    "atft.hidden": (32, {}),
    "atft.lookback": (9, {}),
    "atft.convolutions": (2, {}),
    "atft.heads": (4, {}),
    "atft.filters": (3, {}),
    "atft.dropout": (0.4, {}),
    "atft.feature_dropout": (0.4, {}),
    "gru.hidden": (12, {}),
    "gru.lookback": (5, {}),
    "gru.dropout": (0.4, {}),
    "loss.base": ("listnet", {}),
    "loss.rank_weight": (0.5, {}),
    "loss.temperature": (0.4, {}),
    "loss.horizon_weights": ((1.0, 3.0), {}),
    "loss.huber_delta": (0.3, {"loss.base": "huber"}),
    "loss.pairs": (3, {"loss.base": "pairwise"}),
    "loss.quantiles": ((0.2, 0.5, 0.8), {"loss.base": "pinball"}),
    "optimizer.type": ("adabelief", {}),
    "optimizer.learning_rate": (5e-3, {}),
    "optimizer.weight_decay": (0.3, {}),
    "optimizer.betas": ((0.8, 0.9), {}),
    "optimizer.eps": (1e-3, {}),
    "scheduler.type": ("constant", {}),
    "scheduler.eta_min": (5e-3, {}),
    "scheduler.warmup_share": (0.5, {}),
    "scheduler.t0": (1, {"scheduler.type": "cosine_restarts", "deep.epochs": 4}),
    "scheduler.t_mult": (1, {"scheduler.type": "cosine_restarts", "scheduler.t0": 1, "deep.epochs": 3}),
    "scheduler.plateau_factor": (0.9, {**PLATEAU, "scheduler.plateau_patience": 1}),
    "scheduler.plateau_patience": (2, {**PLATEAU, "scheduler.plateau_patience": 1}),
    "deep.epochs": (3, {}),
    "deep.sessions": (15, {}),
    "deep.parts": (2, {"deep.sessions": 30}),
    "deep.accumulate": (2, {}),
    "deep.clip": (0.01, {}),
    "deep.ema": (0.5, {}),
    "deep.precision": ("bfloat16", {}),
}
ELSEWHERE = {  # what else they do, and where that is shown
    "atft.gat_layers": "tests/models/test_atft_gat_fan.py",
    "atft.gat_dropout": "tests/models/layers/test_graph_stack.py",
    "loss.target": "tests/pipeline/test_deep.py: labels of every kind",
    "loss.factors": "tests/pipeline/test_deep.py",
    "loss.neutral_share": "tests/pipeline/test_deep.py: labels of every kind",
    "deep.seeds": "tests/pipeline/test_deep.py: a column a member",
    "deep.patience": "tests/training/test_deep_trainer.py: patience ends training",
    "deep.compile": "below, slow",
    "deep.device": "below",
    "deep.threads": "tests/config/test_process.py",
    "deep.prefetch": "tests/training/test_deep_trainer.py: changes no bit, by design",
    "deep.checkpoint_every": "below",
    "deep.tensorboard": "tests/pipeline/test_deep.py: curves",
}


def keys() -> set[str]:
    return {f"{section}.{name}" for section, kind in KINDS.items() for name in kind.model_fields}


def trained(folder: Path, given: Mapping[str, object], model: str) -> Trained:
    values = {section: dict(small) for section, small in SMALL.items()}
    for key, value in given.items():
        section, name = key.split(".")
        values[section][name] = value
    settings = {section: kind.model_validate(values[section]) for section, kind in KINDS.items()}
    loss = settings["loss"]
    assert isinstance(loss, LossSettings)
    described = {
        "kind": "gru" if model == "gru" else "atft_gat_fan",
        "settings": settings[model].model_dump(mode="json"),
        "columns": list("abcd"),
        "targets": list(TARGETS),
        "edges": [],
        "quantiles": list(loss.quantiles) if loss.base == "pinball" else [],
    }
    deep = settings["deep"]
    assert isinstance(deep, DeepSettings)
    trainer = DeepTrainer(
        data(),
        Recipe(
            deep=deep,
            loss=loss,
            optimizer=settings["optimizer"],
            scheduler=settings["scheduler"],  # type: ignore[arg-type]
        ),
    )
    worse_and_worse = (0.3, 0.2, 0.1, 0.05)  # of the training that found the number of epochs
    asked = course(
        watched=TRAIN[:0], epochs=deep.epochs, stop_after=deep.epochs, replayed=worse_and_worse[: deep.epochs]
    )
    return trainer.train(lambda: build_model(described), asked, folder)


def same(left: Trained, right: Trained) -> bool:
    return left.weights.keys() == right.weights.keys() and all(
        tensor.shape == right.weights[name].shape and torch.equal(tensor, right.weights[name])
        for name, tensor in left.weights.items()
    )


def test_the_list_is_complete() -> None:
    assert keys() == {*CHANGED, *ELSEWHERE}
    assert set(KINDS) <= set(Settings.model_fields)
    files = {text.partition(":")[0] for text in ELSEWHERE.values() if text.startswith("tests/")}
    assert all((Path(__file__).parents[2] / name).is_file() for name in files)


@pytest.mark.parametrize("key", CHANGED)
def test_a_key_changes_the_weights(tmp_path: Path, key: str) -> None:
    value, context = CHANGED[key]
    model = "gru" if key.startswith("gru.") else "atft"
    usual = trained(tmp_path / "usual", context, model)
    assert same(usual, trained(tmp_path / "again", context, model))
    assert not same(usual, trained(tmp_path / "other", {**context, key: value}, model))


def test_checkpoints_are_as_many_as_asked(tmp_path: Path) -> None:
    trained(tmp_path / "few", {"deep.checkpoint_every": 1000}, "gru")
    trained(tmp_path / "many", {"deep.checkpoint_every": 1}, "gru")
    few, many = checkpoint_steps(tmp_path / "few"), checkpoint_steps(tmp_path / "many")
    assert many[-1] == few[-1]
    assert many[-1] - many[-2] == 1 < few[-1] - few[-2]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no CUDA device"):
        trained(tmp_path, {"deep.device": "cuda"}, "gru")


@pytest.mark.slow
def test_a_compiled_model_is_trained(tmp_path: Path) -> None:
    """In a process of its own: torch does not compile the annotations that this suite executes."""
    command = [sys.executable, "-m", "tests.training.compile_once", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
