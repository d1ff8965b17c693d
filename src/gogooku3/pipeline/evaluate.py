"""Predictions and panel to an evaluation: the test years together, and the locked years if they were opened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gogooku3.axes import FloatDN
from gogooku3.errors import StorageError
from gogooku3.evaluation.evaluate import evaluate as judge
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.evidence import gather
from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.metrics import write_metrics
from gogooku3.pipeline.opening import record_opening
from gogooku3.pipeline.period import Period, PeriodScores, attainable_scores
from gogooku3.pipeline.predictions import column
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, run_stage
from gogooku3.pipeline.tested import tested_of
from gogooku3.pipeline.train import folds_of
from gogooku3.splits.fold import Fold
from gogooku3.splits.walk_forward import WalkForward
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_file
from gogooku3.storage.parquet import write_parquet

_CODE = ("evaluation.evaluate", "panel.open", "splits.walk_forward", "pipeline.predictions")


def evaluate(run: Run, judged: Judged | None = None) -> list[StageRecord]:
    """Write ``evaluation.json`` and ``daily.parquet``, and the same for the locked years if the run opens them.

    Args:
        run: A trained run.
        judged: Its evaluations, so that a report after this one need not compute them again.

    Raises:
        StorageError: There are no predictions.
        EvaluationError: Predictions cannot be evaluated.
    """
    judged = judged if judged is not None else Judged(run)
    records = [_stage(run, judged, locked=False)]
    if run.settings.run.open_locked:
        records.append(_stage(run, judged, locked=True))
    write_metrics(run, judged.folds)
    return records


class Judged:
    """The evaluations of a run, computed when asked for."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.panel: Panel = panel_of(run)
        self.folds = folds_of(run, self.panel)

    def saved(self) -> dict[str, Any]:
        """Return what ``evaluate`` wrote."""
        text = self.run.path("evaluation.json").read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text)
        return found

    @property
    def predictions_path(self) -> Path:
        """The file of predictions.

        Raises:
            StorageError: It is absent.
        """
        path = self.run.path("predictions.parquet")
        if not path.is_file():
            raise StorageError("there are no predictions", where=path, remedy="run `gogooku3 train` first")
        return path

    @cached_property
    def tested(self) -> Evaluation:
        """The test years; no label or holding reaches into a locked year."""
        return _judge(self._period(locked=False))

    @cached_property
    def evidence(self) -> Evidence:
        """What speaks for and against the scores of the test years, beyond correlations."""
        return gather(tested_of(self._period(locked=False), self.tested), self.run.progress)

    @cached_property
    def locked(self) -> Evaluation:
        """The locked years; that they were looked at is written down first."""
        self.record_opening()
        return _judge(self._period(locked=True))

    @cached_property
    def seeds(self) -> list[dict[str, Any]]:
        """RankIC over the test years of every single seed of the models that have several."""
        return list(_seed_table(self._period(locked=False)))

    def record_opening(self) -> None:
        """Add a line to ``openings.jsonl``: looking at kept-back years is an event."""
        period = self._period(locked=True)
        record_opening(self.run, *map(str, self.panel.sessions[[period.start, period.stop - 1]]))

    def span(self, *, locked: bool) -> dict[str, Any]:
        """Return the sessions that are judged, fold by fold, and the first that may not be looked at."""
        folds = {fold.name: fold.test.tolist() for fold in self._folds(locked)}
        return {"folds": folds, "end": self._end(locked)}

    def _folds(self, locked: bool) -> list[Fold]:
        return [fold for fold in self.folds if fold.locked == locked]

    def _end(self, locked: bool) -> int:
        if locked:
            return len(self.panel.sessions)
        walk = WalkForward(settings=self.run.settings.splits, reach=self.folds[0].reach)
        return walk.locked_from(self.panel.sessions)

    def _period(self, *, locked: bool) -> Period:
        predictions = pl.read_parquet(self.predictions_path)
        folds = self._folds(locked)
        scored = predictions["date"].to_numpy()
        first = self.panel.sessions[folds[0].test[0]]
        if not (scored >= first).any():
            raise StorageError(
                "the predictions do not reach the sessions to be judged",
                where=self.predictions_path,
                got=f"scores up to {scored.max() if scored.size else 'nowhere'}",
                expected=f"scores from {first}",
                remedy="run `gogooku3 train --open-locked` first" if locked else "run `gogooku3 train` first",
            )
        return Period(self.run, self.panel, predictions, folds, self._end(locked))


def _judge(period: Period) -> Evaluation:
    panel, run, rows = period.panel, period.run, slice(period.start, period.stop)
    scores: dict[str, Mapping[Target, FloatDN]] = {
        m: PeriodScores(period, m) for m in run.settings.train.models
    }
    if run.settings.run.simulated:
        scores[run.settings.evaluation.attainable] = attainable_scores(period)
    last = np.searchsorted(panel.sessions, panel.stocks["last_session"].to_numpy())
    paid = panel.stocks["terminal_return"].cast(pl.Float64).to_numpy().astype(np.float64)
    return judge(
        scores,
        {target: period.label(target) for target in panel.targets},
        sessions=panel.sessions[rows],
        universe=panel.universe[rows],
        link=_link(run, panel)[rows],
        traded=panel.grid("turnover")[rows] > 0 if "turnover" in panel.field_names else None,
        terminal_return=paid,
        last_bar=last.astype(np.int64) - period.start,
        settings=run.settings.evaluation,
        progress=run.progress,
    )


def _link(run: Run, panel: Panel) -> FloatDN:
    """Gross returns from bar to bar; without them nothing is traded, and every portfolio figure is NaN."""
    if "link" in panel.field_names:
        return panel.grid("link")
    run.progress.note("the panel has no prices (field link): correlations are measured, no portfolio is")
    return np.full((len(panel.sessions), len(panel.codes)), np.nan)


def _seed_table(period: Period) -> Iterator[dict[str, Any]]:
    for model in period.run.settings.train.models:
        for target in period.panel.targets:
            names = [n for n in period.predictions.columns if n.startswith(f"{column(model, target)}_seed")]
            for seed, name in enumerate(names):
                daily = daily_rank_ic(
                    period.scores(name),
                    period.label(target),
                    min_names=period.run.settings.evaluation.min_names,
                )
                yield {
                    "model": model,
                    "target": str(target),
                    "seed": period.run.settings.train.seed + seed,
                    "rank_ic": round(float(np.nanmean(daily.values)), 6),
                }


def _stage(run: Run, judged: Judged, *, locked: bool) -> StageRecord:
    name = "evaluation-locked" if locked else "evaluation"
    outputs = [f"{name}.json", "daily-locked.parquet" if locked else "daily.parquet"]
    inputs = {
        "predictions": digest_file(judged.predictions_path),
        "panel": judged.panel.content_hash,
        "period": judged.span(locked=locked),
        "models": run.settings.train.models,
        "first_seed": run.settings.train.seed,
        "truth": digest_file(run.path("truth.parquet")) if run.settings.run.simulated else None,
        "settings": run.settings.evaluation.model_dump(mode="json"),
        "code": code_digest(_CODE),
    }

    def work() -> list[Mapping[str, Any]]:
        evaluation = judged.locked if locked else judged.tested
        seeds = [] if locked else judged.seeds
        write_json(run.path(outputs[0]), {**evaluation.to_dict(), "seeds": seeds})
        write_parquet(evaluation.series(), run.path(outputs[1]))
        return [
            {
                "stage": name,
                "model": result.model,
                "target": str(result.target),
                "period": part.period,
                "rank_ic": _number(part.rank_ic.mean),
                "rank_ic_t": _number(part.rank_ic.t),
                "net_sharpe_daily": _number(part.portfolio.sharpe_daily),
            }
            for result in evaluation.results
            for part in result.periods
        ]

    return run_stage(run, name, inputs, outputs, work)


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
