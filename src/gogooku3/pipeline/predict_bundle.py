"""The ranking of one session, by the models of a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np

from gogooku3.axes import IntD
from gogooku3.bundle.bundle import Bundle
from gogooku3.bundle.open import open_bundle
from gogooku3.errors import DataError, ModelError, PanelError
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.differing import differing
from gogooku3.pipeline.rank_day import Asked, rank_day
from gogooku3.pipeline.ranked import Ranking, date_of, pick_session
from gogooku3.pipeline.ranker import Ranker
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.scorers import load_scorer
from gogooku3.pipeline.stage import read_stage
from gogooku3.pipeline.trading import Account


def predict_bundle(
    run: Run,
    path: Path,
    *,
    session: date | None = None,
    model: str | None = None,
    target: str | None = None,
    as_of: date | None = None,
    account: Account | None = None,
    warnings: Sequence[str] = (),
) -> Ranking:
    """Rank the universe of a session and write ``rankings/<date>-<model>-bundle`` as CSV, Parquet and JSON.

    A ranking made when a later session had ended is named ``<date>-<model>-bundle-historical``.

    Args:
        run: Any run that has a panel; it need not be trained.
        path: The bundle.
        session: Session to rank; the panel's last one with a universe if not given.
        model: Model to use; the last of the bundle if not given.
        target: Target to sort by, such as ``h5_d1``; that of 5 sessions at the largest lag, or the first.
        as_of: Today: sessions before it should be in the panel; not looked at if None.
        account: Write trades that lead from it to the settings' portfolio.
        warnings: What is known already, to be told with the ranking.

    Raises:
        StorageError: The bundle is refused, or a file of it holds another kind of model.
        PanelError: The panel has other features, targets or another calendar than the models were trained on, or
            was made by other code or with another universe; or trades are asked for, and it keeps no prices.
        ModelError: The model is not in the bundle.
        SettingsError: The panel has no such target.
        DataError: The session is not in the panel, the models may have learned from it, or it cannot be relied on.
    """
    bundle, panel = open_bundle(path), panel_of(run)
    _refuse_other(run, panel, bundle)
    chosen = _model(bundle, model)
    day = pick_session(panel, session)
    _refuse_learned(panel, day, bundle)
    training = bundle.about.training
    with _files(bundle) as folder:
        ranker = Ranker(
            model=chosen,
            fold=training.fold,
            trained_until=max(span[1] for span in (training.trained, training.chosen) if span),
            made_of={"bundle": bundle.digest},
            learned=_learned(panel, bundle),
            scorer=load_scorer(
                chosen,
                lambda name: [folder / member.name for member in bundle.of(name)],
                tested=_tested(panel, bundle),
            ),
            stem=f"{chosen}-bundle",
        )
        asked = Asked(
            day=day, named=session is not None, target=target, as_of=as_of, account=account, warnings=warnings
        )
        return rank_day(run, panel, ranker, asked)


def _learned(panel: Panel, bundle: Bundle) -> IntD:
    """Return the sessions that the models were fitted on, those of them that are in the panel."""
    training = bundle.about.training
    first, last, _ = training.trained
    days = [one.session for one in training.sessions if training.refit or first <= one.session <= last]
    found: IntD = np.flatnonzero(np.isin(panel.sessions, np.array(days, dtype="datetime64[D]"))).astype(
        np.int64
    )
    return found


def _tested(panel: Panel, bundle: Bundle) -> IntD:
    """Return the sessions of the fold's test year, as the backtest of this panel would score them."""
    first = np.datetime64(bundle.about.training.scores_from, "D")
    year = panel.sessions.astype("datetime64[Y]") == first.astype("datetime64[Y]")
    usable = panel.universe.any(axis=1) & (panel.sessions >= first) & year
    tested: IntD = np.flatnonzero(usable).astype(np.int64)
    return tested


@contextmanager
def _files(bundle: Bundle) -> Iterator[Path]:
    """Write the checked weights where the models' own readers can read them."""
    with TemporaryDirectory(prefix="gogooku3-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for member in bundle.members:
            (folder / member.name).write_bytes(member.data)
        yield folder


def _model(bundle: Bundle, name: str | None) -> ModelName:
    wanted = bundle.of(name or bundle.models[-1])[0].model
    for known in get_args(ModelName):
        if known == wanted:
            found: ModelName = known
            return found
    raise ModelError(
        "a model of the bundle is not known to this version",
        where=bundle.path,
        got=wanted,
        expected=", ".join(get_args(ModelName)),
        remedy="use the version of gogooku3 that versions.json of the bundle names",
    )


def _refuse_other(run: Run, panel: Panel, bundle: Bundle) -> None:
    """Refuse a panel that means something else than the one the models learned from."""
    about = bundle.about
    then: dict[str, Any] = {
        "calendar": about.training.calendar,
        "features": list(about.features.names),
        "targets": list(about.targets),
        "code of the features": about.features.code,
    }
    now: dict[str, Any] = {
        "calendar": panel.calendar,
        "features": list(panel.feature_names),
        "targets": [str(target) for target in panel.targets],
        "code of the features": panel.lineage.get("code"),
    }
    record = None if run.settings.panel.file is not None else read_stage(run, "build")
    if record is not None and "universe" in record.inputs:
        then["universe"], now["universe"] = about.settings.get("universe"), record.inputs["universe"]
    others = differing(then, now, then="in the bundle")
    if others:
        raise PanelError(
            "a panel does not fit a bundle",
            where=bundle.path,
            got="; ".join(others),
            remedy="build a panel with the settings in settings.json of the bundle and the versions in versions.json",
        )


def _refuse_learned(panel: Panel, day: int, bundle: Bundle) -> None:
    first = bundle.about.training.scores_from
    if date_of(panel, day) < first:
        raise DataError(
            "the models may have learned from the session",
            where=bundle.path,
            got=panel.sessions[day],
            expected=f"a session from {first}",
            remedy="choose a later session, or a bundle of an earlier fold",
        )
