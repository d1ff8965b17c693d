"""The ranking of one session, by the models of the last fold that was trained before it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from gogooku3.axes import IntD
from gogooku3.errors import DataError, SettingsError
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.rank_day import Asked, rank_day
from gogooku3.pipeline.ranked import Ranking, date_of, pick_session
from gogooku3.pipeline.ranker import Ranker
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.scorers import load_scorer
from gogooku3.pipeline.trading import Account
from gogooku3.pipeline.train import folds_of
from gogooku3.pipeline.trained import trained
from gogooku3.splits.fold import Fold
from gogooku3.storage.hashing import digest_file


def predict(
    run: Run,
    *,
    session: date | None = None,
    model: str | None = None,
    target: str | None = None,
    as_of: date | None = None,
    account: Account | None = None,
    checked: bool = True,
    warnings: Sequence[str] = (),
) -> Ranking:
    """Rank the universe of a session and write ``rankings/<date>-<model>`` as CSV, Parquet and JSON.

    A ranking made when a later session had ended is named ``<date>-<model>-historical``.

    Args:
        run: A trained run.
        session: Session to rank; the panel's last one with a universe if not given.
        model: Model to use; the last of the run's models if not given.
        target: Target to sort by, such as ``h5_d1``; the run's 5-session target at the largest lag, or its first.
        as_of: Today: sessions before it should be in the panel; not looked at if None.
        account: Write trades that lead from it to the settings' portfolio.
        checked: Refuse what cannot be relied on, and look for drift. Else rank alone: a deep model then reads
            nothing after the session, and its scores are the backtest's but for rounding.
        warnings: What is known already, to be told with the ranking.

    Raises:
        SettingsError: The model or target is not of this run.
        DataError: The session is not in the panel, lies before the first test session, or cannot be relied on.
        PanelError: Trades are asked for, and the panel keeps no prices.
        StorageError: The model's files are absent or not those that were trained.
    """
    panel = panel_of(run)
    chosen = _model(run, model)
    day = pick_session(panel, session)
    fold = _fold(run, panel, day)
    paths = {path.name: path for path in trained(run, panel, chosen, fold).paths}
    if chosen == "blend":
        paths |= {p.name: p for name in run.settings.blend.of for p in trained(run, panel, name, fold).paths}
    tested = fold.test if checked else None
    ranker = Ranker(
        model=chosen,
        fold=fold.name,
        trained_until=date_of(panel, int(max([*fold.train[-1:], *fold.validation[-1:]]))),
        made_of={"files": {name: digest_file(path) for name, path in paths.items()}},
        learned=_learned(run, fold),
        scorer=load_scorer(chosen, lambda name: trained(run, panel, name, fold).paths, tested=tested),
        stem=chosen,
    )
    asked = Asked(
        day=day,
        named=session is not None,
        target=target,
        as_of=as_of,
        account=account,
        checked=checked,
        warnings=warnings,
    )
    return rank_day(run, panel, ranker, asked)


def _learned(run: Run, fold: Fold) -> IntD:
    both: IntD = np.sort(np.concatenate([fold.train, fold.validation]))
    return both if run.settings.train.refit else fold.train


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
