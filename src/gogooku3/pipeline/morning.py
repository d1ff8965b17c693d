"""What is done every day: fetch, append, predict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from gogooku3.errors import SettingsError
from gogooku3.pipeline.append import Appended, append
from gogooku3.pipeline.build import file_inputs
from gogooku3.pipeline.day_files import DayFiles, copy_days, look_at_days, remember_days
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.predict_bundle import predict_bundle
from gogooku3.pipeline.predict_published import unfetched
from gogooku3.pipeline.ranked import Ranking
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, read_stage
from gogooku3.pipeline.trading import Account
from gogooku3.sources.jquants.fetched import Fetched
from gogooku3.sources.jquants.plan import DELAY_DAYS
from gogooku3.storage.lock import exclusive


@dataclass(frozen=True, eq=False, kw_only=True)
class Morning:
    """What a morning did.

    Attributes:
        fetched: What came; None if nothing was asked for.
        appended: What it changed in the panel; None if nothing did.
        ranking: The ranking.
    """

    fetched: Fetched | None
    appended: Appended | None
    ranking: Ranking


def morning(
    run: Run,
    *,
    fetch: Callable[[], Fetched] | None,
    as_of: date,
    bundle: Path | None = None,
    model: str | None = None,
    target: str | None = None,
    account: Account | None = None,
) -> Morning:
    """Fetch what is new, bring the panel up to date, and rank its last session.

    Each step finds what it has done before, so that a morning that was ended anywhere is gone on with by the same
    call, and one that is done changes nothing. Where something is refused, the last ranking stays as it is.

    Args:
        run: A run that was built from a folder of days.
        fetch: Brings that folder up to date; None if that is done by others.
        as_of: Today at the exchange: all sessions before it have to be there.
        bundle: Models to rank by; those of the run if None.
        model: Model to use; the last one if None.
        target: Target to sort by.
        account: Write trades that lead from it to the settings' portfolio.

    Raises:
        SettingsError: The run was not built from a folder of days; there is no key; the plan's data end weeks ago.
        DataError: The server, the bars, or the ranking's checks refuse.
        PanelError, ModelError: Bundle and panel do not fit.
        StorageError: Another morning is at work, or something cannot be read or written.
    """
    with exclusive(run.path("stages/.morning.lock"), "a morning's job"):
        record = _built(run)
        if fetch is not None:
            _refuse_delayed(run)
        fetched = fetch() if fetch else None
        warnings = [] if fetched is None else unfetched(run, fetched)
        appended = _append(run, record)
        if bundle is None:
            ranking = predict(
                run, model=model, target=target, as_of=as_of, account=account, warnings=warnings
            )
        else:
            ranking = predict_bundle(
                run, bundle, model=model, target=target, as_of=as_of, account=account, warnings=warnings
            )
        return Morning(fetched=fetched, appended=appended, ranking=ranking)


def _built(run: Run) -> StageRecord:
    record = read_stage(run, "build")
    if record is None:
        raise SettingsError(
            "the run has no panel yet",
            where=run.folder,
            remedy="`gogooku3 build --bars FOLDER/bars_daily` first",
        )
    return record


def _refuse_delayed(run: Run) -> None:
    """A plan whose data end weeks ago has no last session to rank."""
    plan = run.settings.jquants.plan
    if DELAY_DAYS[plan]:
        raise SettingsError(
            f"the data of J-Quants' plan {plan} end {DELAY_DAYS[plan]} days ago, too old for a morning",
            where="jquants.plan",
            got=plan,
            expected="light, standard or premium",
            remedy="--set jquants.plan=standard if that is your contract; else rank the past: "
            "`gogooku3 fetch jquants`, then `gogooku3 morning --no-fetch --as-of DATE`",
        )


def _append(run: Run, record: StageRecord) -> Appended | None:
    """Append the days that are new or changed, and what is published of the stocks."""
    days = look_at_days(run, record)
    if not days.touched and file_inputs(run, record.inputs["files"])["beside"] == record.inputs["beside"]:
        return None
    with TemporaryDirectory(prefix="gogooku3-", ignore_cleanup_errors=True) as name:
        folder = copy_days(_some(days), Path(name))
        appended = append(run, folder, whole=days.touched, even_nothing=True)
    remember_days(run, record, days)
    return appended


def _some(days: DayFiles) -> list[Path]:
    """Return the files that are appended: the last one where only what is beside the bars changed."""
    return days.stretch() or [*days.paths.values()][-1:]
