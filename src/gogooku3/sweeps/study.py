"""The study of a search: Optuna's, with a queue that says how many trials there will be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from gogooku3.errors import SettingsError
from gogooku3.sweeps.ledger_chain import CUT_SHORT, chains, deaths
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.space import Choice, Range, Space, Value

OWNER, REASON, LIVE = "owner", "reason", "live"
"""Attributes of a trial: the process that has it, why it did not complete, and its last epoch."""

PARCEL = "parcel"
"""Attribute of a trial, of no interest to people: what its machine's ledger says of it."""

KNOWN = "known"
"""Attribute of a study: what has to be the same whenever it is gone on with."""

_HISTORY, _DEATHS = "retry_history", "deaths"
_BEGUN = 20.0  # seconds that another process may take to begin a study


class NoTrialLeft(Exception):  # noqa: N818 - nothing went wrong
    """All trials of the study are taken."""


class QueuedStudy(optuna.Study):
    """A study whose trials are all queued beforehand, so that two searches on it never make one too many."""

    def _pop_waiting_trial_id(self) -> int | None:
        found = super()._pop_waiting_trial_id()
        if found is None:
            raise NoTrialLeft
        return found


def make_study(
    storage: RDBStorage,
    name: str,
    known: dict[str, Any],
    *,
    trials: int,
    join: bool,
    check: Callable[[Mapping[str, Any]], None],
    lost: Callable[[QueuedStudy], None] = lambda _: None,
) -> QueuedStudy:
    """Begin a study and queue its trials, or open one that is there.

    Args:
        storage: The database.
        name: Name of the study.
        known: What has to be the same whenever the study is gone on with, as plain data.
        trials: Trials that the study is to have; more are queued if there are fewer.
        join: Take part in a study that is there.
        check: Called with what was known when the study that is there was begun; raises if it is another one.
        lost: Called with a study that has just been begun, to fill it.

    Raises:
        SettingsError: There is such a study already and it is not to be joined, or it is of something else.
    """
    try:
        optuna.create_study(study_name=name, storage=storage, direction="maximize")
    except DuplicatedStudyError:
        if not join:
            raise SettingsError(
                "there is a study of that name already",
                got=name,
                remedy="go on with it by --resume, or name another with --name or another folder with --out",
            ) from None
        study = QueuedStudy(study_name=name, storage=storage)
        if _is_begun(study):
            check(study.user_attrs[KNOWN])
            queue(study, trials)
            return study
    study = QueuedStudy(study_name=name, storage=storage)
    lost(study)
    queue(study, trials)
    study.set_user_attr(KNOWN, known)
    return study


def _is_begun(study: QueuedStudy) -> bool:
    """Tell whether a study was begun to the end; one that is being begun is waited for, one whose maker died is not."""
    until = time.monotonic() + _BEGUN
    while KNOWN not in study.user_attrs and time.monotonic() < until:
        time.sleep(0.2)
    return KNOWN in study.user_attrs


def queue(study: QueuedStudy, trials: int) -> int:
    """Queue as many trials as are missing; return how many. Those that are queued again count once."""
    firsts = [trial for trial in study.get_trials(deepcopy=False) if not trial.system_attrs.get(_HISTORY)]
    missing = max(0, trials - len(firsts))
    for _ in range(missing):
        study.enqueue_trial({})
    return missing


def rebuild(study: QueuedStudy, entries: Mapping[int, LedgerEntry], space: Space, retries: int) -> None:
    """Fill a study from the ledger of one that was lost, number by number; what had not ended is queued.

    A number that the ledger lacks was queued when the study was lost: as a further attempt at a trial that was cut
    short, if there is one, and else as a first one.

    Args:
        study: Without a trial, or with the first ones, if its maker died.
        entries: How each trial stood, by number.
        space: What was searched.
        retries: Times that a trial is queued again whose process was killed.

    Raises:
        SettingsError: The ledger is of another space; the study is left as it was.
    """
    for entry in entries.values():
        _refuse_outside(entry, space)
    before = chains(entries)
    for number in range(len(study.get_trials(deepcopy=False)), max(entries, default=-1) + 1):
        if number in entries:
            study.add_trial(_ended(entries[number], space, before.get(number, ()), entries))
        elif not _queue_cut_short(study, entries, retries):
            study.enqueue_trial({})


def _refuse_outside(entry: LedgerEntry, space: Space) -> None:
    whole = entry.params.keys() == space.keys() or entry.value is None
    for name, value in entry.params.items():
        whole = whole and name in space and _contains(space[name], value)
    if not whole:
        raise SettingsError(
            "the ledger's trials are not of this space",
            where=f"trial {entry.number}",
            got=entry.params,
            expected={name: what.to_json() for name, what in space.items()},
            remedy="go on with the space that the search was begun with, or name another folder with --out",
        )


def _contains(what: Choice | Range, value: Value) -> bool:
    if isinstance(what, Choice):
        return value in what.values
    return isinstance(value, int | float) and what.low <= value <= what.high


def _ended(
    entry: LedgerEntry, space: Space, chain: tuple[int, ...], entries: Mapping[int, LedgerEntry]
) -> FrozenTrial:
    again = (
        {_HISTORY: list(chain), _DEATHS: deaths(entries, chain), "failed_trial": chain[0]} if chain else {}
    )
    return create_trial(
        state=TrialState[entry.state],
        value=entry.value,
        params=entry.params,
        distributions={name: space[name].distribution() for name in entry.params},
        user_attrs={} if entry.reason is None else {REASON: entry.reason},
        system_attrs=again,
    )


def _queue_cut_short(study: QueuedStudy, entries: Mapping[int, LedgerEntry], retries: int) -> bool:
    """Queue the first trial again that was cut short and is not gone on with; return False if there is none."""
    trials = study.get_trials(deepcopy=False)
    taken = gone_on_with(trials) | {number for chain in chains(entries).values() for number in chain}
    for trial in trials:
        entry = entries.get(trial.number)
        if entry is None or entry.why not in CUT_SHORT or trial.number in taken:
            continue
        if queue_again(study, trial, retries, died=entry.why == "died"):
            return True
    return False


def attempt_of(trial: FrozenTrial) -> int:
    """Return how often a trial's point had been tried before."""
    return len(trial.system_attrs.get(_HISTORY, []))


def queue_again(study: optuna.Study, trial: FrozenTrial, retries: int, *, died: bool) -> bool:
    """Queue the point of a trial that was cut short, unless that was done.

    Args:
        study: The study.
        trial: One that has failed or is about to.
        retries: Times that a trial is queued again whose process was killed.
        died: Its process was killed; a search that was ended is no reason to give a trial up.

    Returns:
        False if its processes were killed too often.
    """
    deaths = trial.system_attrs.get(_DEATHS, 0) + died
    if died and deaths > retries:
        return False
    if trial.number in gone_on_with(study.get_trials(deepcopy=False)):
        return True
    history = [*trial.system_attrs.get(_HISTORY, []), trial.number]
    kept = {name: value for name, value in trial.system_attrs.items() if name != PARCEL}
    again = {**kept, "failed_trial": history[0], _HISTORY: history, _DEATHS: deaths}
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            system_attrs=again,
        )
    )
    return True


def gone_on_with(trials: Iterable[FrozenTrial]) -> set[int]:
    """Return the numbers of the trials that another one goes on with."""
    return {number for trial in trials for number in trial.system_attrs.get(_HISTORY, [])}


def points_ended(trials: Sequence[FrozenTrial]) -> int:
    """Return how many points have ended for good; several attempts at one are one."""
    open_ = sum(trial.state in (TrialState.RUNNING, TrialState.WAITING) for trial in trials)
    return sum(not attempt_of(trial) for trial in trials) - open_
