"""The study of a search: Optuna's, with a queue that says how many trials there will be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from gogooku3.errors import SettingsError
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.space import Space

OWNER, REASON, LIVE = "owner", "reason", "live"
"""Attributes of a trial: the process that has it, why it did not complete, and its last epoch."""

_HISTORY = "retry_history"
_KNOWN = "known"
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
    lost: Callable[[QueuedStudy], None] = lambda _: None,
) -> QueuedStudy:
    """Begin a study and queue its trials, or open one that is there.

    Args:
        storage: The database.
        name: Name of the study.
        known: What has to be the same whenever the study is gone on with, as plain data.
        trials: Trials that the study is to have; more are queued if there are fewer.
        join: Take part in a study that is there.
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
            _refuse_other(study, known)
            queue(study, trials)
            return study
    study = QueuedStudy(study_name=name, storage=storage)
    lost(study)
    queue(study, trials)
    study.set_user_attr(_KNOWN, known)
    return study


def _is_begun(study: QueuedStudy) -> bool:
    """Tell whether a study was begun to the end; one that is being begun is waited for, one whose maker died is not."""
    until = time.monotonic() + _BEGUN
    while _KNOWN not in study.user_attrs and time.monotonic() < until:
        time.sleep(0.2)
    return _KNOWN in study.user_attrs


def _refuse_other(study: QueuedStudy, known: dict[str, Any]) -> None:
    """Check that a study was begun with the same settings."""
    before = study.user_attrs.get(_KNOWN, {})
    differ = sorted(key for key in {*before, *known} if before.get(key) != known.get(key))
    if differ:
        raise SettingsError(
            "the study was begun with other settings",
            where=", ".join(differ[:5]),
            got={key: known.get(key) for key in differ[:5]},
            expected={key: before.get(key) for key in differ[:5]},
            remedy="go on with the same ones, or name another study",
        )


def queue(study: QueuedStudy, trials: int) -> int:
    """Queue as many trials as are missing; return how many. Those that are queued again count once."""
    firsts = [trial for trial in study.get_trials(deepcopy=False) if not trial.system_attrs.get(_HISTORY)]
    missing = max(0, trials - len(firsts))
    for _ in range(missing):
        study.enqueue_trial({})
    return missing


def rebuild(study: QueuedStudy, entries: Mapping[int, LedgerEntry], space: Space) -> None:
    """Fill a study from the ledger of one that was lost, number by number; what had not ended is queued.

    Args:
        study: Without a trial, or with the first ones, if its maker died.
        entries: How each trial stood, by number.
        space: What was searched.
    """
    for number in range(len(study.get_trials(deepcopy=False)), max(entries, default=-1) + 1):
        entry = entries.get(number)
        if entry is None:
            study.enqueue_trial({})
            continue
        study.add_trial(
            create_trial(
                state=TrialState[entry.state],
                value=entry.value,
                params=entry.params,
                distributions={name: space[name].distribution() for name in entry.params},
                user_attrs={} if entry.reason is None else {REASON: entry.reason},
                system_attrs={_HISTORY: [number] * entry.attempt} if entry.attempt else {},
            )
        )


def attempt_of(trial: FrozenTrial) -> int:
    """Return how often a trial's point had been tried before."""
    return len(trial.system_attrs.get(_HISTORY, []))


def queue_again(study: optuna.Study, trial: FrozenTrial, retries: int) -> bool:
    """Queue the point of a trial whose process was killed; return False if that was done often enough."""
    history = [*trial.system_attrs.get(_HISTORY, []), trial.number]
    if len(history) > retries:
        return False
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            system_attrs={
                **trial.system_attrs,
                "failed_trial": history[0],
                _HISTORY: history,
            },
        )
    )
    return True
