"""The ranking of one session, by the models of the last fold that was trained before it."""

from __future__ import annotations

from datetime import date

from gogooku3.errors import DataError, SettingsError
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.ranked import Ranking, date_of, pick_session, pick_targets, write_ranking
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.scorers import load_scorer
from gogooku3.pipeline.train import folds_of
from gogooku3.pipeline.trained import trained
from gogooku3.scoring.ranking import rank_session
from gogooku3.splits.fold import Fold


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
    day = pick_session(panel, session)
    fold = _fold(run, panel, day)
    targets = pick_targets(panel, target)
    run.progress.start(f"ranking {panel.sessions[day]} by {chosen}", 1, "sessions")
    scorer = load_scorer(chosen, lambda name: trained(run, panel, name, fold).paths)
    table = rank_session(panel, day, scorer, targets)
    run.progress.advance()
    return Ranking(
        session=date_of(panel, day),
        model=chosen,
        fold=fold.name,
        trained_until=date_of(panel, int(max([*fold.train[-1:], *fold.validation[-1:]]))),
        target=targets[0],
        table=table,
        files=write_ranking(run, table, f"{panel.sessions[day]}-{chosen}"),
    )


def _model(run: Run, model: str | None) -> ModelName:
    known = run.settings.train.models
    for name in known:
        if name == (model or known[-1]):
            return name
    raise SettingsError("a model is not of this run", got=model, expected=", ".join(known))


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
