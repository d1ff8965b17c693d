"""Panel to out-of-sample predictions: every model on every walk-forward fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gogooku3.axes import BoolD
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.metrics import write_metrics
from gogooku3.pipeline.predictions import fold_frame, merge
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, run_stage
from gogooku3.splits.fold import Fold
from gogooku3.splits.walk_forward import WalkForward
from gogooku3.storage.atomic import atomic_path
from gogooku3.storage.parquet import write_parquet
from gogooku3.training.fit import FoldFitter
from gogooku3.training.ranked_rows import ranked_rows
from gogooku3.training.settings import ModelName

_CODE = ("training.fit", "training.ranked_rows", "splits.walk_forward", "panel.open")


def train(run: Run) -> list[StageRecord]:
    """Fit all models on all folds and write ``predictions.parquet``; finished folds are not fitted again.

    Raises:
        PanelError: There is no panel.
        SplitError: The folds asked for do not fit the data.
        ModelError: A model's scores are degenerate.
    """
    panel = panel_of(run)
    folds = folds_of(run, panel)
    work = _Work(run, panel, folds)
    records = []
    for fold in folds:
        for model in run.settings.train.models:
            records.append(work.fold(model, fold))
    paths = {m: [run.path(_scores_file(m, fold)) for fold in folds] for m in run.settings.train.models}
    inputs = {"folds": [record.outputs for record in records], "code": code_digest(("pipeline.predictions",))}
    records.append(run_stage(run, "predictions", inputs, ["predictions.parquet"], lambda: _merge(run, paths)))
    write_metrics(run, folds)
    return records


def folds_of(run: Run, panel: Panel) -> tuple[Fold, ...]:
    """Return the run's folds in order; the locked years are among them only if the run opens them."""
    ended_after = run.settings.market.ended_after
    reach = max(target.known_after(ended_after) for target in panel.targets)
    walk = WalkForward(settings=run.settings.splits, reach=reach)
    usable: BoolD = np.asarray(panel.universe.any(axis=1))
    folds = walk.folds(panel.sessions, usable)
    return folds + walk.folds(panel.sessions, usable, locked=True) if run.settings.run.open_locked else folds


def fit_inputs(run: Run, panel: Panel, model: ModelName, fold: Fold) -> dict[str, Any]:
    """Return what the models of a fold are fitted from, but for the code; no later session is among it."""
    early = folds_of(run, panel)[0].train
    return {
        "panel": panel.digest(np.concatenate([fold.train, fold.validation])),
        "early": early.tolist() if model == "lightgbm" else [],
        "fold": {part: getattr(fold, part).tolist() for part in ("train", "validation")},
        "settings": getattr(run.settings, model).model_dump(mode="json"),
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
    return [f"models/{model}-{fold}-seed{k}.json" for k in range(run.settings.lightgbm.seeds)]


def _scores_file(model: str, fold: Fold) -> str:
    return f"predictions/{model}-{fold.name}.parquet"


def _merge(run: Run, paths: Mapping[ModelName, Sequence[Path]]) -> list[Mapping[str, Any]]:
    merge(paths, run.path("predictions.parquet"))
    return []


class _Work:
    """Fits folds; ranks are made once, and only if a fold has to be fitted."""

    def __init__(self, run: Run, panel: Panel, folds: Sequence[Fold]) -> None:
        self.run, self.panel = run, panel
        self.stop = int(max(fold.test[-1] for fold in folds)) + 1
        self.code = code_digest(_CODE)
        self.early = folds[0].train
        self._fitter: FoldFitter | None = None

    def fold(self, model: ModelName, fold: Fold) -> StageRecord:
        """Fit one model on one fold, or find it done."""
        fitted = fit_inputs(self.run, self.panel, model, fold)
        inputs = {**fitted, **score_inputs(self.panel, fold), "code": self.code}
        outputs = [_scores_file(model, fold), *model_files(self.run, model, fold.name)]
        return run_stage(
            self.run, f"train-{model}-{fold.name}", inputs, outputs, lambda: self._fit(model, fold, outputs)
        )

    def _fit(self, model: ModelName, fold: Fold, outputs: Sequence[str]) -> list[Mapping[str, Any]]:
        settings, progress = self.run.settings, self.run.progress
        if self._fitter is None:
            self._fitter = FoldFitter(
                ranked_rows(self.panel, self.stop, progress),
                self.early,
                ridge=settings.ridge,
                lightgbm=settings.lightgbm,
                settings=settings.train,
            )
        fits = (1 + settings.lightgbm.seeds if model == "lightgbm" else 1) * len(self.panel.targets)
        progress.start(f"training {model}, fold {fold.name}", fits, "fits")
        scores = self._fitter.fit(model, fold, progress.advance)
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
                "validation_rank_ic": round(scores.members[0].validation[t], 6),
                "train_sessions": len(fold.train),
                "validation_sessions": len(fold.validation),
            }
            for t, target in enumerate(self.panel.targets)
        ]
