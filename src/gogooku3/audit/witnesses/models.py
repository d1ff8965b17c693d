"""Models whose training and stopping labels are known, with all that they normalise by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gogooku3.audit.witness import Sighting
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.train import folds_of, model_files
from gogooku3.splits.fold import Fold


class ModelWitness:
    """Every value of every model file of a fold whose last training or stopping label is known by t.

    Weights, penalties, numbers of trees, validation measures and LightGBM's own text, in which the bin edges that its
    inputs were cut at appear as split thresholds.
    """

    name = "models"
    needs_models = True

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield the contents of the model files, fold by fold."""
        for fold in folds_of(run, panel_of(run)):
            if learnt_by(fold) > until:
                continue
            for model in run.settings.train.models:
                for name in model_files(run, model, fold.name):
                    yield from contents(run.path(name), fold.name)


def learnt_by(fold: Fold) -> int:
    """Return the session at whose close all labels are known that a fold trains or stops on."""
    return int(max(*fold.train[-1:], *fold.validation[-1:])) + fold.reach


def contents(path: Path, fold: str) -> Iterator[Sighting]:
    """Yield what a model file holds."""
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        for name, tensor in sorted(load_file(path).items()):
            yield Sighting(name=f"{path.name} {name}", values=tensor, fold=fold)
        return
    for name, value in sorted(json.loads(path.read_text(encoding="utf-8")).items()):
        if name == "boosters":
            for number, text in enumerate(value):
                yield Sighting(name=f"{path.name} booster {number}", values=_letters(text), fold=fold)
        elif name == "of":
            yield Sighting(name=f"{path.name} of", values=_letters("\n".join(value)), fold=fold)
        else:
            yield Sighting(name=f"{path.name} {name}", values=np.asarray(value, dtype=np.float64), fold=fold)


def _letters(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)
