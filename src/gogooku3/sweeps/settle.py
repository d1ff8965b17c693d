"""Trials that nobody is at work on any more: said why, settled by the ledger, and queued again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from gogooku3.errors import StorageError
from gogooku3.sweeps.database import StudyStorage
from gogooku3.sweeps.engines.protocol import Failed
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_chain import CUT_SHORT
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.ledger_parcel import pack, unpack
from gogooku3.sweeps.outcome import Attempt, known_of
from gogooku3.sweeps.owner import is_gone, is_here
from gogooku3.sweeps.study import (
    LIVE,
    OWNER,
    PARCEL,
    REASON,
    QueuedStudy,
    attempt_of,
    queue_again,
)

_LOCK = ".settling.lock"
_PATIENCE = 600.0  # seconds
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Settler:
    """Settles what was left behind by processes that ended.

    Whatever moment it is broken off at, the next one goes on: a trial that was cut short is queued again as long as
    no other trial goes on with it.

    Args:
        ledger: Of the search.
        seed: Seed of the models.
        retries: Times that a trial is queued again whose process was killed.
        grace: Seconds after which a trial that nobody says to have is taken for lost.
        shared: The database is one that other machines reach: what the ledger says is told there too.
    """

    def __init__(self, ledger: Ledger, *, seed: int, retries: int, grace: float, shared: bool) -> None:
        self.ledger, self.seed, self.retries, self.grace, self.shared = ledger, seed, retries, grace, shared

    def revive(self, study: QueuedStudy) -> None:
        """Settle all that an earlier search left behind.

        Raises:
            StorageError: The ledger cannot be used.
        """
        with self._alone():
            self._settle_lost(study)
            self._write_unsaid(study)
            self._queue_cut_short(study)

    def settle_lost(self, study: QueuedStudy) -> None:
        """Settle trials whose process of this machine has ended, or that show no sign of life.

        Raises:
            StorageError: The ledger cannot be used.
        """
        with self._alone():
            self._settle_lost(study)

    def collect(self, study: QueuedStudy) -> None:
        """Complete the ledger by the trials of other machines, whose folders are not this one.

        Of a trial whose machine told nothing more only the outcome is entered, without its series: it counts as a try.

        Raises:
            StorageError: What another machine told is damaged, or the ledger cannot be written.
        """
        written = self.ledger.read().trials
        for trial in study.get_trials(deepcopy=False, states=_ENDED):
            if trial.number in written:
                continue
            if PARCEL in trial.system_attrs:
                unpack(self.ledger, trial.system_attrs[PARCEL])
            else:
                self.ledger.append(known_of(trial, self.seed))

    def say(self, study: optuna.Study, trial: FrozenTrial, entry: LedgerEntry) -> None:
        """Tell the database what the ledger says of a trial that has not ended there.

        Raises:
            UpdateFinishedTrialError: It has.
        """
        storage = study._storage
        if entry.reason is not None:
            storage.set_trial_user_attr(trial._trial_id, REASON, entry.reason)
        if self.shared:
            storage.set_trial_system_attr(trial._trial_id, PARCEL, pack(self.ledger, entry))
        if entry.why in CUT_SHORT:
            self._queue_again(study, trial, entry)

    def _settle_lost(self, study: QueuedStudy) -> None:
        storage = study._storage._backend  # type: ignore[attr-defined] # Optuna's cache lies before it
        silent = storage.silent(study._study_id) if isinstance(storage, StudyStorage) else set()
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            with suppress(UpdateFinishedTrialError):  # another machine settled it in this moment
                if self._is_gone(trial):  # known, whereas silence is a guess that counts against the trial
                    reason = "the search ended while the trial was at work"
                    self._settle(study, trial, Failed(why="stopped", reason=reason))
                elif trial._trial_id in silent:
                    reason = f"its machine showed no sign of life for {self.grace:.0f} seconds"
                    self._settle(study, trial, Failed(why="died", reason=reason))

    def _is_gone(self, trial: FrozenTrial) -> bool:
        """Tell whether nobody is at work on a trial; one whose process died before it said so has no owner."""
        owned = trial.user_attrs.get(OWNER)
        if owned is not None or trial.datetime_start is None:
            return is_gone(owned)
        return (datetime.now() - trial.datetime_start).total_seconds() > self.grace  # noqa: DTZ005 - as Optuna counts

    def _settle(self, study: QueuedStudy, trial: FrozenTrial, lost: Failed) -> None:
        entry = self.ledger.read().trials.get(trial.number)
        if entry is None or entry.attempt != attempt_of(trial):
            entry = self._write(trial, lost)
        self.say(study, trial, entry)
        study.tell(trial.number, entry.value, state=TrialState[entry.state], skip_if_finished=True)

    def _write(self, trial: FrozenTrial, lost: Failed) -> LedgerEntry:
        """Enter a trial whose process ended before it could."""
        return Attempt(
            self.ledger,
            number=trial.number,
            attempt=attempt_of(trial),
            params=trial.params,
            seed=self.seed,
            began=trial.datetime_start,
            seconds=trial.user_attrs.get(LIVE, {}).get("seconds", 0.0),
        ).failed(lost)

    def _write_unsaid(self, study: QueuedStudy) -> None:
        """Enter trials that ended because the database broke off: they failed, and nobody could say why."""
        written = self.ledger.read().trials
        for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)):
            owned = trial.user_attrs.get(OWNER)
            if REASON in trial.user_attrs or trial.number in written or PARCEL in trial.system_attrs:
                continue
            if owned is None or is_here(owned):
                reason = "the search ended while the trial was at work"
                self._write(trial, Failed(why="stopped", reason=reason))

    def _queue_cut_short(self, study: QueuedStudy) -> None:
        written = self.ledger.read().trials
        for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)):
            entry = written.get(trial.number)
            if entry is not None and entry.attempt == attempt_of(trial) and entry.why in CUT_SHORT:
                self._queue_again(study, trial, entry)

    def _queue_again(self, study: optuna.Study, trial: FrozenTrial, entry: LedgerEntry) -> None:
        queue_again(study, trial, self.retries, died=entry.why == "died")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold a lock of all processes with this folder: none queues a trial again that another is queueing."""
        from filelock import FileLock, Timeout

        self.ledger.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.ledger.folder / _LOCK, timeout=_PATIENCE)
        try:
            with lock:
                yield
        except Timeout as error:
            raise StorageError(
                "another process is settling the search's trials and does not end",
                where=self.ledger.folder / _LOCK,
                remedy="end it, and go on with --resume",
            ) from error
