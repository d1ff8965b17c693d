"""What has moved between the sessions a run's models were fitted on and those they were tested on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float32

from gogooku3.axes import IntD
from gogooku3.errors import EvaluationError, StorageError
from gogooku3.evaluation.drift.coverage import Coverage
from gogooku3.evaluation.drift.drift_report import DriftReport
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.evaluation.drift.watch import Watch, most_severe_first
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.wording import listed
from gogooku3.evaluation.target_evaluation import TargetEvaluation
from gogooku3.labels.target import Target
from gogooku3.models.names import DEEP, ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.deep import DeepWork
from gogooku3.pipeline.drift_sample import raw_features, raw_outputs, sample_of, stretch_of
from gogooku3.pipeline.predictions import column
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.scorers import load_scorer
from gogooku3.pipeline.stage import read_stage
from gogooku3.pipeline.train import model_files
from gogooku3.splits.fold import Fold
from gogooku3.splits.fold_years import fold_years
from gogooku3.storage.hashing import digest_file


def drift_of(
    run: Run, panel: Panel, folds: Sequence[Fold], evaluation: Evaluation, *, settings: DriftSettings
) -> DriftReport | None:
    """Hold each fold's test year, or shorter test period, against the sessions that its models were fitted on.

    Raw outputs: those of the fold's models on a sample of the sessions they were fitted on, against all those of the
    test period in ``predictions.parquet``, neither ranked. Features: as they stand in the panel, before the ranking
    that models see, on samples of the same sessions and of the test period. A sample is deterministic: sessions
    spread evenly, and every k-th stock of their universe. Coverage is that of every test session. The daily RankIC
    of a calendar year, however many folds it has, is held against that of the test years before it, whose labels
    were known by then; the first has no such record.

    Args:
        run: A trained run.
        panel: Its panel.
        folds: In order of time; test sessions are among those of ``evaluation``.
        evaluation: Of the run's predictions.
        settings: Sample and thresholds.

    Returns:
        None where the run has trained no model of these folds, so that nothing is known of training.

    Raises:
        StorageError: A model's file is not the one that was trained, or there are no predictions.
        EvaluationError: A test session was not evaluated, or a feature or score is infinite.
    """
    models = run.settings.train.models
    if not any(read_stage(run, f"train-{model}-{fold.name}") for model in models for fold in folds):
        return None
    stop = int(max(fold.test[-1] for fold in folds)) + 1
    watcher = _Watcher(run, panel, evaluation, Watch.empty(settings), DeepWork(run, panel, stop))
    run.progress.start("watching for drift", len(folds), "folds")
    for fold in folds:
        watcher.look(fold)
        run.progress.advance()
    watcher.look_back(folds)
    return DriftReport(
        moved=tuple(watcher.watch.moved),
        alarms=most_severe_first(watcher.watch.alarms),
        watched=_watched(panel, folds, models, watcher.watch),
    )


@dataclass(frozen=True, eq=False)
class _Watcher:
    """Looks at one fold after the other."""

    run: Run
    panel: Panel
    evaluation: Evaluation
    watch: Watch
    deep: DeepWork

    def look(self, fold: Fold) -> None:
        """Look at features, raw outputs and coverage of a fold."""
        rows = _rows(self.evaluation, self.panel.sessions[fold.test])
        settings, refit = self.watch.settings, self.run.settings.train.refit
        fitted_on = np.sort(np.concatenate([fold.train, fold.validation])) if refit else fold.train
        sample = sample_of(self.panel, fitted_on, settings)
        before = raw_features(self.panel, sample)
        after = raw_features(self.panel, sample_of(self.panel, fold.test, settings))
        for f, name in enumerate(self.panel.feature_names):
            self.watch.feature(fold.name, name, before[:, f], after[:, f])
        for model in self.run.settings.train.models:
            if model != "blend":  # a blend is of ranks: it has no raw output of its own
                self._outputs(fold, model, self._before(fold, model, fitted_on))
            self._coverage(fold, model, rows)

    def look_back(self, folds: Sequence[Fold]) -> None:
        """Hold the RankIC of every year against the years before; the first has no such record."""
        for year, tested in _years(folds)[1:]:
            rows = _rows(self.evaluation, self.panel.sessions[tested])
            for model in self.run.settings.train.models:
                self._rank_ic(year, model, rows)

    def _before(self, fold: Fold, model: ModelName, fitted_on: np.ndarray) -> Float32[np.ndarray, "R T"]:
        """Return the mean of the members' raw outputs on a sample of stock-days."""
        scorer = load_scorer(model, lambda name: _paths(self.run, fold, name), self.deep.source)
        sample = sample_of(self.panel, fitted_on, self.watch.settings, stretch=stretch_of(scorer))
        return raw_outputs(scorer, self.panel, sample)

    def _members(self, fold: Fold) -> IntD:
        members: IntD = self.panel.universe[fold.test].sum(axis=1).astype(np.int64)
        return members

    def _outputs(self, fold: Fold, model: ModelName, outputs: Float32[np.ndarray, "R T"]) -> None:
        later = _predicted(self.run, self.panel, fold, model)
        universe = int(self._members(fold).sum())
        for t, target in enumerate(self.panel.targets):
            values = later[column(model, target)].cast(pl.Float64).to_numpy()
            missing = 1 - np.isfinite(values).sum() / universe if universe else math.nan
            self.watch.score(fold.name, f"{model} {target}", outputs[:, t], values, missing=float(missing))

    def _coverage(self, fold: Fold, model: ModelName, rows: np.ndarray) -> None:
        """Look at coverage, once where it is the same at several targets."""
        seen: list[np.ndarray] = []
        for name, result in self._results(model):
            share = result.coverage[rows]
            if not any(np.array_equal(share, known, equal_nan=True) for known in seen):
                self.watch.covered(fold.name, Coverage(name=name, share=share, members=self._members(fold)))
                seen.append(share)

    def _rank_ic(self, year: str, model: ModelName, rows: np.ndarray) -> None:
        for name, result in self._results(model):
            known = max(0, int(rows[0]) - result.target.reach)  # labels that were complete by then
            self.watch.rank_ic(
                year,
                name,
                result.rank_ic.values[:known],
                result.rank_ic.values[rows],
                horizon=result.target.horizon,
                sessions=self.evaluation.sessions[rows],
            )

    def _results(self, model: ModelName) -> Iterator[tuple[str, TargetEvaluation]]:
        for target in self.panel.targets:
            result = self.evaluation.find(model, target)
            if result is not None:
                yield f"{model} {target}", result


def _years(folds: Sequence[Fold]) -> list[tuple[str, np.ndarray]]:
    """Return the test sessions of each year: those of its fold, or of all its shorter folds."""
    years = fold_years(folds)
    if {fold.name for fold in folds} == {str(year) for year in years}:
        return [(fold.name, fold.test) for fold in folds]
    by_year = {year: [fold.test for fold in folds if fold_years([fold]) == (year,)] for year in years}
    return [(str(year), np.concatenate(tests)) for year, tests in by_year.items()]


def _rows(evaluation: Evaluation, sessions: np.ndarray) -> np.ndarray:
    rows = np.searchsorted(evaluation.sessions, sessions)
    inside = rows[-1] < len(evaluation.sessions)
    if not inside or (evaluation.sessions[rows] != sessions).any():
        raise EvaluationError(
            "a test session was not evaluated",
            got=f"{sessions[0]} to {sessions[-1]}",
            expected=f"sessions from {evaluation.sessions[0]} to {evaluation.sessions[-1]}",
        )
    return rows


def _paths(run: Run, fold: Fold, model: ModelName) -> list[Path]:
    """The files of a fold's members, checked against the digests taken when they were trained."""
    record = read_stage(run, f"train-{model}-{fold.name}")
    paths = []
    for name in model_files(run, model, fold.name):
        path = run.path(name)
        known = record.outputs.get(name) if record else None
        if not path.is_file() or digest_file(path) != known:
            raise StorageError(
                "a model's file is not the one that was trained",
                where=path,
                remedy="run `gogooku3 train` to fit it anew",
            )
        paths.append(path)
    return paths


def _predicted(run: Run, panel: Panel, fold: Fold, model: ModelName) -> pl.DataFrame:
    """Read a model's raw scores of the test sessions, and of no others."""
    path = run.path("predictions.parquet")
    if not path.is_file():
        raise StorageError("there are no predictions", where=path, remedy="run `gogooku3 train` first")
    first, last = panel.sessions[fold.test[[0, -1]]].tolist()
    wanted = [_raw(run, model, target) for target in panel.targets]
    return (
        pl.scan_parquet(path)
        .filter(pl.col("date").is_between(first, last))
        .filter(pl.col("date").is_in(panel.sessions[fold.test].tolist()))
        .select(wanted)
        .collect()
    )


def _raw(run: Run, model: ModelName, target: Target) -> pl.Expr:
    """The mean of the members' raw outputs; the column of a deep model itself is a mean of ranks."""
    name = column(model, target)
    if model not in DEEP or run.settings.deep.seeds == 1:
        return pl.col(name)
    return pl.mean_horizontal(
        [pl.col(f"{name}_seed{k}").cast(pl.Float64) for k in range(run.settings.deep.seeds)]
    ).alias(name)


def _watched(panel: Panel, folds: Sequence[Fold], models: Sequence[str], watch: Watch) -> str:
    """Say how much was looked at, and at what not."""
    settings = watch.settings
    scores, sessions = len(models) * len(panel.targets), sum(len(fold.test) for fold in folds)
    blank = sum(bool(np.isnan(one.index)) for one in watch.moved)
    years = [year for year, _ in _years(folds)]
    names = [fold.name for fold in folds]
    tested = f"years {listed(names)}" if names == years else f"periods {names[0]} to {names[-1]}"
    least = f"{settings.sample_sessions} sessions and at most {settings.sample_rows:,} stock-days"
    parts = [
        f"{scores} raw model outputs and {len(panel.feature_names)} features in the test {tested}, "
        f"against {least} that each fold's models were fitted on",
        f"coverage on {sessions:,} sessions",
        f"the RankIC of {len(watch.records)} scores and years, against the test years before",
    ]
    text = "; ".join(parts) + "."
    if len(folds):
        text += f" {years[0]} has no earlier record."
    if watch.unwatched:
        text += f" {len(watch.unwatched)} more had too short a record, or no RankIC above 0 to lose."
    if blank:
        text += f" {blank} distributions had too few values in training to be compared."
    return text
