"""The ranking of one session, by the models of the last fold that was trained before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gogooku3.errors import DataError, SettingsError, StorageError
from gogooku3.labels.target import Target
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.differing import differing
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.scorers import load_scorer
from gogooku3.pipeline.stage import read_stage
from gogooku3.pipeline.train import fit_inputs, folds_of, model_files
from gogooku3.scoring.ranking import rank_session
from gogooku3.splits.fold import Fold
from gogooku3.storage.csv import write_csv
from gogooku3.storage.parquet import write_parquet


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranking:
    """A session's stocks, best first.

    Attributes:
        session: The session whose close the ranking knows, and nothing later.
        model: Model that ranks.
        fold: Fold whose models were used.
        trained_until: Last session they were fitted on, the year that chose their settings included.
        target: Target the table is sorted by.
        table: ``code``, ``name``, ``sector`` and score and rank per target.
        files: Where it was written.
    """

    session: date
    model: str
    fold: str
    trained_until: date
    target: Target
    table: pl.DataFrame
    files: tuple[Path, ...]


def predict(
    run: Run, *, session: date | None = None, model: str | None = None, target: str | None = None
) -> Ranking:
    """Rank the universe of a session and write ``rankings/<date>-<model>.csv`` and ``.parquet``.

    Args:
        run: A trained run.
        session: Session to rank; the panel's last one with a universe if not given.
        model: Model to use; the last of the run's models if not given.
        target: Target to sort by, such as ``h5_d1``; the run's 5-session target at the largest lag, or its first.

    Raises:
        SettingsError: The model or target is not of this run.
        DataError: The session is not in the panel or lies before the first test session.
        StorageError: The model's files are absent or not those that were trained.
    """
    panel = panel_of(run)
    chosen = _model(run, model)
    day = _session(panel, session)
    fold = _fold(run, panel, day)
    first = _target(panel, target)
    run.progress.start(f"ranking {panel.sessions[day]} by {chosen}", 1, "sessions")
    others = [t for t in panel.targets if t.lag == first.lag and t != first]
    table = rank_session(
        panel, day, load_scorer(chosen, lambda name: _files(run, panel, name, fold)), [first, *others]
    )
    run.progress.advance()
    return Ranking(
        session=_date(panel, day),
        model=chosen,
        fold=fold.name,
        trained_until=_date(panel, int(max(*fold.train[-1:], *fold.validation[-1:]))),
        target=first,
        table=table,
        files=_write(run, table, f"{panel.sessions[day]}-{chosen}"),
    )


def _write(run: Run, table: pl.DataFrame, stem: str) -> tuple[Path, ...]:
    files = (run.path(f"rankings/{stem}.csv"), run.path(f"rankings/{stem}.parquet"))
    write_csv(table, files[0])
    write_parquet(table, files[1])
    return files


def _model(run: Run, model: str | None) -> ModelName:
    known = run.settings.train.models
    for name in known:
        if name == (model or known[-1]):
            return name
    raise SettingsError("a model is not of this run", got=model, expected=", ".join(known))


def _session(panel: Panel, session: date | None) -> int:
    ranked = np.flatnonzero(panel.universe.any(axis=1))
    if session is None:
        return int(ranked[-1])
    place = int(np.searchsorted(panel.sessions, np.datetime64(session)))
    if place not in ranked or panel.sessions[place] != np.datetime64(session):
        raise DataError(
            "a session cannot be ranked",
            got=session,
            expected=f"a session with bars from {panel.sessions[ranked[0]]} to {panel.sessions[ranked[-1]]}",
        )
    return place


def _fold(run: Run, panel: Panel, day: int) -> Fold:
    """The latest fold that was trained and whose test sessions begin on that day or before."""
    trained = [fold for fold in folds_of(run, panel) if fold.test[0] <= day]
    if not trained:
        raise DataError(
            "no model was trained before the session",
            got=panel.sessions[day],
            remedy="choose a later session, or test earlier years",
        )
    return trained[-1]


def _target(panel: Panel, name: str | None) -> Target:
    if name is not None:
        wanted = Target.parse(name)
        if wanted not in panel.targets:
            raise SettingsError(
                "a target is not of this run", got=name, expected=", ".join(map(str, panel.targets))
            )
        return wanted
    lag = max(target.lag for target in panel.targets)
    usual = Target(5, lag)
    return usual if usual in panel.targets else next(t for t in panel.targets if t.lag == lag)


def _files(run: Run, panel: Panel, model: ModelName, fold: Fold) -> list[Path]:
    """The fold's model files, checked against what they were made from and the digests taken then."""
    from gogooku3.storage.hashing import digest_file

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
    return [run.path(name) for name in names]


def _named(inputs: Mapping[str, Any], model: ModelName) -> dict[str, Any]:
    """Give the inputs of a fit the names that settings have."""
    names = {
        "settings": model,
        "seed": "train.seed",
        "refit": "train.refit",
        "panel": "panel (hash of its days)",
    }
    return {names.get(key, key): value for key, value in inputs.items()}


def _date(panel: Panel, session: int) -> date:
    value: Any = panel.sessions[session].astype("datetime64[D]").item()
    found: date = value
    return found
