"""The files of a trained model, if they are those that the run would train now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gogooku3.errors import StorageError
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.differing import differing
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, read_stage
from gogooku3.pipeline.train import fit_inputs, model_files
from gogooku3.splits.fold import Fold
from gogooku3.storage.hashing import digest_file


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model of a fold.

    Attributes:
        record: What its training left behind.
        paths: The files of its members, one a seed.
    """

    record: StageRecord
    paths: tuple[Path, ...]


def trained(run: Run, panel: Panel, model: ModelName, fold: Fold) -> Trained:
    """Find a fold's model, checked against what it was made from and the digests taken then.

    Raises:
        StorageError: The fold was not trained, was trained on something else, or a file is not the one of then.
    """
    record = read_stage(run, f"train-{model}-{fold.name}")
    if record is None:
        raise StorageError(
            "a fold has not been trained", where=f"{model}, fold {fold.name}", remedy="run `gogooku3 train`"
        )
    others = differing(
        _named(record.inputs, model),
        _named(fit_inputs(run, panel, model, fold), model),
        then="when it was trained",
    )
    if others:
        raise StorageError(
            "a fold was trained on something else",
            where=f"{model}, fold {fold.name}",
            got="; ".join(others),
            remedy="run `gogooku3 train` with these settings, or rank with those it was trained with",
        )
    names = model_files(run, model, fold.name)
    for name in names:
        if not run.path(name).is_file() or digest_file(run.path(name)) != record.outputs.get(name):
            raise StorageError(
                "a model's file is not the one that was trained",
                where=run.path(name),
                remedy="run `gogooku3 train` to fit it anew",
            )
    return Trained(record=record, paths=tuple(run.path(name) for name in names))


def _named(inputs: Mapping[str, Any], model: ModelName) -> dict[str, Any]:
    """Give the inputs of a fit the names that settings have."""
    names = {
        "settings": model,
        "seed": "train.seed",
        "refit": "train.refit",
        "panel": "panel (hash of its days)",
    }
    return {names.get(key, key): value for key, value in inputs.items()}
