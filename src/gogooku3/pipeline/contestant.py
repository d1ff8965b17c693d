"""One side of a comparison: a model of a run, with proof of what its scores were made from."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.axes import FloatDN
from gogooku3.config.origin import Origin
from gogooku3.config.resolve import Resolved
from gogooku3.config.settings import Settings
from gogooku3.errors import EvaluationError, SettingsError, StorageError
from gogooku3.labels.target import Target
from gogooku3.models.names import DEEP, ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.differing import differing
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.period import Period
from gogooku3.pipeline.predictions import column, to_grid
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.run_kind import refuse_foreign
from gogooku3.pipeline.stage import StageRecord, read_stage
from gogooku3.pipeline.train import fit_inputs, score_inputs
from gogooku3.progress import Progress
from gogooku3.scoring.rank_kernel import rank_columns
from gogooku3.splits.fold import Fold
from gogooku3.storage.hashing import digest_file
from gogooku3.storage.paths import inside


@dataclass(frozen=True, eq=False, kw_only=True)
class Contestant:
    """A model of a run.

    Attributes:
        judged: The run with its panel and folds.
        model: The model.
        locked: Whether the locked years are compared instead of the test years.
        records: What the training of each compared fold left behind.
        data: Digests of what each fold was trained on, and of what was scored; of a blend those of its models.
        most_seeds: How many of its members count at most.
    """

    judged: Judged
    model: ModelName
    locked: bool
    records: Mapping[str, StageRecord]
    data: Mapping[str, tuple[str, str]]
    most_seeds: int = sys.maxsize

    @property
    def run(self) -> Run:
        """The run."""
        return self.judged.run

    @property
    def panel(self) -> Panel:
        """The run's panel."""
        return self.judged.panel

    @property
    def label(self) -> str:
        """``run:model``."""
        return f"{self.run.settings.run.name}:{self.model}"

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The folds that are compared."""
        return tuple(fold for fold in self.judged.folds if fold.locked == self.locked)

    @property
    def start(self) -> int:
        """First session that is judged."""
        return int(self.folds[0].test[0])

    @property
    def stop(self) -> int:
        """Session after the last that is judged."""
        return int(self.folds[-1].test[-1]) + 1

    @property
    def end(self) -> int:
        """First session whose prices may not be looked at."""
        return int(self.judged.span(locked=self.locked)["end"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the members; none for a model that has none: ridge is deterministic, a blend mixes averages."""
        first = self.run.settings.train.seed
        return tuple(range(first, first + min(self.members, self.most_seeds)))

    @property
    def members(self) -> int:
        """Number of seeds that were trained, 0 of a model that has none."""
        settings = self.run.settings
        if self.model in DEEP:
            return settings.deep.seeds
        return settings.lightgbm.seeds if self.model == "lightgbm" else 0

    @property
    def files(self) -> dict[str, Path]:
        """The file of scores of each fold."""
        return {name: self.run.path(_scores_file(self.model, name)) for name in self.records}

    @property
    def score_digests(self) -> dict[str, str]:
        """SHA-256 of the file of scores of each fold, as it was when it was written."""
        return {name: r.outputs[_scores_file(self.model, name)] for name, r in self.records.items()}

    def scores(self, target: Target, on: Panel) -> tuple[FloatDN, list[FloatDN]]:
        """Return the score that is used and the scores of its members, [stop - start, N] each; NaN where none.

        Members are on one scale: the mean over some of them is the score of a model that has those alone.

        Args:
            target: Horizon and lag.
            on: Panel whose stocks the grids have.
        """
        name = column(self.model, target)
        members = [f"{name}_seed{k}" for k in range(len(self.seeds))] if len(self.seeds) > 1 else []
        columns = ["date", "code", name, *members]
        frame = pl.concat([pl.read_parquet(path, columns=columns) for path in self.files.values()])
        grids = [to_grid(on, frame, each, self.start, self.stop) for each in (name, *members)]
        if self.model in DEEP:
            grids[1:] = [_ranked(grid) for grid in grids[1:]]
        if len(self.seeds) < self.members:
            grids[0] = np.mean(grids[1:], axis=0)
        return grids[0], grids[1:]

    def labels(self, target: Target, end: int) -> FloatDN:
        """Return the universe's labels whose spans lie before session ``end``, [stop - start, N]."""
        return Period(self.run, self.panel, pl.DataFrame(), self.folds, end).label(target)

    @cached_property
    def label_digests(self) -> list[str]:
        """A digest of the labels of every tested session."""
        days = self.panel.days("labels")
        return [days[int(t)] for fold in self.folds for t in fold.test]


def saved_run(folder: Path, name: str, progress: Progress, *, open_locked: bool = False) -> Run:
    """Return a run as its folder says it is, whatever the environment and later defaults say.

    Raises:
        SettingsError: There is no such run, or its settings are of another version.
        StorageError: The name leaves the folder of runs.
    """
    path = inside(folder, name) / "settings.json"
    refuse_foreign(path.parent)
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        tree = saved["settings"] | {"run": saved["settings"]["run"] | {"name": name, "folder": str(folder)}}
        tree["run"]["open_locked"] = open_locked
        settings = Settings.model_validate_json(json.dumps(tree), strict=True)
        origins = {key: Origin.parse(text) for key, text in saved["origins"].items()}
    except FileNotFoundError as error:
        raise SettingsError(
            "there is no such run", where=path.parent, remedy="check the name and the folder of runs"
        ) from error
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise SettingsError(
            "the settings of a run cannot be read",
            where=path,
            got=error,
            remedy=f"`gogooku3 run --name {name}` again, with this version",
        ) from error
    return Run(resolved=Resolved(settings=settings, origins=origins), progress=progress)


def contestant(judged: Judged, model: str, *, locked: bool = False) -> Contestant:
    """Return a model of a run, after checking that its scores are those of its settings, panel and folds.

    Raises:
        EvaluationError: The model is not of the run, or its scores are absent or were made from something else.
    """
    run = judged.run
    chosen = next((name for name in run.settings.train.models if name == model), None)
    if chosen is None:
        raise EvaluationError(
            "a run has no such model",
            where=run.folder,
            got=model,
            expected=", ".join(run.settings.train.models),
        )
    folds = [fold for fold in judged.folds if fold.locked == locked]
    parts: tuple[ModelName, ...] = run.settings.blend.of if chosen == "blend" else (chosen,)
    proven = {fold.name: [_proven(judged, part, fold) for part in parts] for fold in folds}
    return Contestant(
        judged=judged,
        model=chosen,
        locked=locked,
        records={fold.name: _proven(judged, chosen, fold) for fold in folds},
        data={name: (first.inputs["panel"], first.inputs["scored"]) for name, (first, *_) in proven.items()},
    )


def share_seeds(sides: Sequence[Contestant]) -> list[Contestant]:
    """Return the contestants with as many seeds as all that have any share, each with its first ones."""
    counts = [len(side.seeds) for side in sides if side.seeds]
    return [replace(side, most_seeds=min(counts)) if side.seeds else side for side in sides]


def _ranked(grid: FloatDN) -> FloatDN:
    """Return ranks within each session, as a deep model's score is the mean of its members' ranks."""
    ranks: FloatDN = rank_columns(np.ascontiguousarray(grid.T.astype(np.float32))).T.astype(np.float64)
    return ranks


def _proven(judged: Judged, model: ModelName, fold: Fold) -> StageRecord:
    run, panel = judged.run, judged.panel
    record = read_stage(run, f"train-{model}-{fold.name}")
    again = f"`gogooku3 train --name {run.settings.run.name}{' --open-locked' if fold.locked else ''}` first"
    file = run.path(_scores_file(model, fold.name))
    if record is None or not file.is_file():
        raise StorageError("a fold has not been scored", where=file, remedy=again)
    expected = {**fit_inputs(run, panel, model, fold), **score_inputs(panel, fold)}
    others = differing(record.inputs, expected, then="at training")
    if others:
        raise EvaluationError(
            "a run's scores were made from something else than the run has now",
            where=file,
            got="; ".join(others),
            remedy=again,
        )
    if digest_file(file) != record.outputs.get(_scores_file(model, fold.name)):
        raise EvaluationError("a file of scores was changed after training", where=file, remedy=again)
    return record


def _scores_file(model: str, fold: str) -> str:
    return f"predictions/{model}-{fold}.parquet"
