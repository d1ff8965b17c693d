"""Panel to out-of-sample predictions: every model on every walk-forward fold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gogooku3.axes import BoolD
from gogooku3.models.names import DEEP, ModelName, RowModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.blend import blend_inputs, fit_blend
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.deep import DeepWork, deep_code, deep_inputs
from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.metrics import write_metrics
from gogooku3.pipeline.predictions import fold_frame, merge, scores_file
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, run_stage
from gogooku3.splits.cadence import Cadence
from gogooku3.splits.fold import Fold
from gogooku3.storage.atomic import atomic_path
from gogooku3.storage.hashing import digest_json
from gogooku3.storage.parquet import write_parquet
from gogooku3.training.fit import FoldFitter, FoldScores
from gogooku3.training.ranked_rows import ranked_rows

_CODE = ("training.fit", "training.ranked_rows", "splits.walk_forward", "panel.open")


def train(run: Run, deep: Callable[[Panel, int], DeepWork] | None = None) -> list[StageRecord]:
    """Fit all models on all folds and write ``predictions.parquet``; finished folds are not fitted again.

    Args:
        run: The run.
        deep: Makes what trains the deep models, of the panel and the session after the last; the usual if None.

    Raises:
        PanelError: There is no panel.
        SplitError: The folds asked for do not fit the data.
        ModelError: A model's scores are degenerate.
    """
    panel = panel_of(run)
    folds = folds_of(run, panel)
    work = _Work(run, panel, folds, deep)
    records = []
    for fold in folds:
        for model in run.settings.train.models:
            records.append(work.fold(model, fold))
    paths = {m: [run.path(scores_file(m, fold)) for fold in folds] for m in run.settings.train.models}
    inputs = {"folds": [record.outputs for record in records], "code": code_digest(("pipeline.predictions",))}
    records.append(run_stage(run, "predictions", inputs, ["predictions.parquet"], lambda: _merge(run, paths)))
    write_metrics(run, folds)
    return records


def folds_of(run: Run, panel: Panel) -> tuple[Fold, ...]:
    """Return the run's folds in order; the locked years are among them only if the run opens them.

    A fold is a calendar year, or a shorter period where ``retrain.cadence`` says so.
    """
    ended_after = run.settings.market.ended_after
    reach = max(target.known_after(ended_after) for target in panel.targets)
    walk = Cadence(settings=run.settings.splits, cadence=run.settings.retrain.cadence, reach=reach)
    usable: BoolD = np.asarray(panel.universe.any(axis=1))
    folds = walk.folds(panel.sessions, usable)
    return folds + walk.folds(panel.sessions, usable, locked=True) if run.settings.run.open_locked else folds


def fit_inputs(run: Run, panel: Panel, model: ModelName, fold: Fold) -> dict[str, Any]:
    """Return what the models of a fold are fitted from, but for the code; no later session is among it."""
    folds = folds_of(run, panel)
    if model == "blend":
        return blend_inputs(run, panel, folds, fold)
    early = folds[0].train
    return {
        "panel": panel.digest(np.concatenate([fold.train, fold.validation])),
        "early": early.tolist() if model == "lightgbm" else [],
        "fold": {part: getattr(fold, part).tolist() for part in ("train", "validation")},
        "settings": _model_settings(run, model),
        "seed": run.settings.train.seed,
        "refit": run.settings.train.refit,
    }


def score_inputs(panel: Panel, fold: Fold) -> dict[str, Any]:
    """Return what the models of a fold score; labels are not among it."""
    return {"scored": panel.digest(fold.test, ("known",)), "test": fold.test.tolist()}


def model_files(run: Run, model: ModelName, fold: str) -> list[str]:
    """Names of the files of a fold's members."""
    if model == "ridge":
        return [f"models/ridge-{fold}.safetensors"]
    if model == "lightgbm":
        return [f"models/lightgbm-{fold}-seed{k}.json" for k in range(run.settings.lightgbm.seeds)]
    if model == "blend":
        return [f"models/blend-{fold}.json"]
    return [f"models/{model}-{fold}-seed{k}.safetensors" for k in range(run.settings.deep.seeds)]


def _model_settings(run: Run, model: ModelName) -> dict[str, Any]:
    match model:
        case "ridge" | "lightgbm":
            settings: dict[str, Any] = getattr(run.settings, model).model_dump(mode="json")
            return settings
        case "gru" | "atft_gat_fan":
            return deep_inputs(run, model)
        case "blend":
            return run.settings.blend.model_dump(mode="json")


def _merge(run: Run, paths: Mapping[ModelName, Sequence[Path]]) -> list[Mapping[str, Any]]:
    merge(paths, run.path("predictions.parquet"))
    return []


def _code(model: ModelName) -> str:
    match model:
        case "ridge" | "lightgbm":
            return code_digest(_CODE)
        case "gru" | "atft_gat_fan":
            return deep_code()
        case "blend":
            return code_digest(("pipeline.blend",))


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


class _Work:
    """Fits folds; what they share is made once, and only if a fold has to be fitted."""

    def __init__(
        self,
        run: Run,
        panel: Panel,
        folds: Sequence[Fold],
        deep: Callable[[Panel, int], DeepWork] | None = None,
    ) -> None:
        self.run, self.panel, self.folds = run, panel, folds
        self.stop = int(max(fold.test[-1] for fold in folds)) + 1
        self.early = folds[0].train
        self.deep = DeepWork(run, panel, self.stop) if deep is None else deep(panel, self.stop)

    def fold(self, model: ModelName, fold: Fold) -> StageRecord:
        """Fit one model on one fold, or find it done."""
        fitted = fit_inputs(self.run, self.panel, model, fold)
        inputs = {**fitted, **score_inputs(self.panel, fold), "code": _code(model)}
        if model in DEEP:
            inputs |= self.deep.inputs()
        outputs = [scores_file(model, fold), *model_files(self.run, model, fold.name)]
        return run_stage(
            self.run,
            f"train-{model}-{fold.name}",
            inputs,
            outputs,
            lambda: self._fit(model, fold, outputs, digest_json(inputs)),
        )

    def _fit(self, model: ModelName, fold: Fold, outputs: Sequence[str], key: str) -> list[Mapping[str, Any]]:
        match model:
            case "ridge" | "lightgbm":
                scores = self._fit_rows(model, fold)
            case "gru" | "atft_gat_fan":
                scores = self.deep.fit(model, fold, key)
            case "blend":
                scores = fit_blend(self.run, self.panel, self.folds, fold)
        write_parquet(fold_frame(self.panel, model, scores), self.run.path(outputs[0]))
        for member, name in zip(scores.members, outputs[1:], strict=True):
            with atomic_path(self.run.path(name)) as partial:
                member.save(partial)
        return [
            {
                "stage": "train",
                "model": model,
                "fold": fold.name,
                "target": str(target),
                "validation_rank_ic": _rounded(scores.members[0].validation[t]),
                "train_sessions": len(fold.train),
                "validation_sessions": len(fold.validation),
            }
            for t, target in enumerate(self.panel.targets)
        ]

    def _fit_rows(self, model: RowModelName, fold: Fold) -> FoldScores:
        settings, progress = self.run.settings, self.run.progress
        fits = (1 + settings.lightgbm.seeds if model == "lightgbm" else 1) * len(self.panel.targets)
        fitter = self._fitter
        progress.start(f"training {model}, fold {fold.name}", fits, "fits")
        return fitter.fit(model, fold, progress.advance)

    @cached_property
    def _fitter(self) -> FoldFitter:
        settings = self.run.settings
        return FoldFitter(
            ranked_rows(self.panel, self.stop, self.run.progress),
            self.early,
            ridge=settings.ridge,
            lightgbm=settings.lightgbm,
            settings=settings.train,
        )
