"""Work through a study: one thread for each slot of the engine, each with one trial at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from gogooku3.errors import Gogooku3Error
from gogooku3.sweeps.database import database_faults
from gogooku3.sweeps.engines.protocol import Engine, Facts, Failed, Finished, Job, Reported, Work
from gogooku3.sweeps.files import write_files
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.outcome import Attempt, unfit
from gogooku3.sweeps.owner import is_gone, is_here, owner
from gogooku3.sweeps.space import Params, Space, suggest
from gogooku3.sweeps.study import (
    LIVE,
    OWNER,
    REASON,
    NoTrialLeft,
    QueuedStudy,
    attempt_of,
    queue_again,
)

_TICK = 0.5  # seconds


class TrialFailed(Exception):  # noqa: N818 - told to Optuna, and to nobody else
    """A trial ended without a value."""


class Stopped(Exception):  # noqa: N818 - of this search's own accord
    """The search is to end before its trials do."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """What the trials of a search have in common.

    Attributes:
        folder: Folder of the search.
        space: What may be chosen.
        work: What computes a trial.
        task: What ``work`` is given for a point, beside the number of its trial.
        seed: Seed of the models.
        retries: Times that a trial is queued again whose process was killed.
        grace: Seconds after which a trial that nobody says to have is taken for lost.
        url: The database, to name.
        note: Told of every trial that ends, in a sentence.
    """

    folder: Path
    space: Space
    work: Work
    task: Callable[[int, Params], Facts]
    seed: int
    retries: int
    grace: float
    url: str
    note: Callable[[str], None]


class Driver:
    """Works through the trials that are queued.

    Args:
        course: What they have in common.
        studies: The study, once for each slot of the engine, each with a sampler and pruner of its own.
        engine: Where trials are computed.
        ledger: Where they are written down.
    """

    def __init__(self, course: Course, studies: list[QueuedStudy], engine: Engine, ledger: Ledger) -> None:
        self.course, self.studies, self.engine, self.ledger = course, studies, engine, ledger
        self._stopping = threading.Event()
        self._writing, self._settling = threading.Lock(), threading.Lock()
        self._errors: list[BaseException] = []

    def run(self) -> None:
        """Work until no trial is left.

        Raises:
            KeyboardInterrupt: Ctrl-C; the trials at work are ended and queued again.
            StorageError: Database or ledger cannot be used.
        """
        self.revive()
        ended = [threading.Event() for _ in self.studies]
        threads = [
            threading.Thread(target=self._slot, args=one) for one in zip(self.studies, ended, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            for event in ended:
                while not event.wait(_TICK):  # a join that Ctrl-C breaks off takes the thread for ended
                    pass
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()
            self.engine.close()
            if not self._errors:
                with database_faults(self.course.url):
                    self._write_files(self.studies[0])
        if self._errors:
            raise self._errors[0]

    def revive(self) -> None:
        """Settle trials whose process of this machine has ended: by the ledger, or by queueing them again."""
        study = self.studies[0]
        with database_faults(self.course.url):
            self._settle_lost(study)
            self._settle_unsaid(study)
        self._write_files(study)

    def _settle_lost(self, study: QueuedStudy) -> None:
        with self._settling:
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if self._is_lost(trial):
                    self._settle(study, trial)

    def _settle_unsaid(self, study: QueuedStudy) -> None:
        """Queue trials again that ended because the database broke off: they failed, and nobody could say why."""
        written = self.ledger.read().trials
        for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)):
            if (
                REASON not in trial.user_attrs
                and trial.number not in written
                and is_here(trial.user_attrs.get(OWNER))
            ):
                self._write_lost(trial)
                queue_again(study, trial, self.course.retries)

    def _is_lost(self, trial: FrozenTrial) -> bool:
        """Tell whether nobody is at work on a trial; one whose process died before it said so has no owner."""
        owned = trial.user_attrs.get(OWNER)
        if owned is not None or trial.datetime_start is None:
            return is_gone(owned)
        return (datetime.now() - trial.datetime_start).total_seconds() > self.course.grace  # noqa: DTZ005 - as Optuna counts

    def _settle(self, study: QueuedStudy, trial: FrozenTrial) -> None:
        entry = self.ledger.read().trials.get(trial.number)
        if entry is not None and entry.attempt == attempt_of(trial):
            study.tell(trial.number, entry.value, state=TrialState[entry.state], skip_if_finished=True)
            return
        _say_why(study, trial, self._write_lost(trial))
        study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        queue_again(study, trial, self.course.retries)

    def _write_lost(self, trial: FrozenTrial) -> str:
        """Enter a trial whose process ended before it could; return the reason."""
        lost = Failed(why="died", reason="the search ended while the trial was at work")
        Attempt(
            self.ledger,
            number=trial.number,
            attempt=attempt_of(trial),
            params=trial.params,
            seed=self.course.seed,
        ).failed(lost)
        return lost.reason

    def _slot(self, study: QueuedStudy, ended: threading.Event) -> None:
        try:
            self._work_through(study)
        except Stopped:
            pass
        except (Gogooku3Error, OSError, RuntimeError) as error:
            self._errors.append(error)
            self._stopping.set()
        finally:
            ended.set()

    def _work_through(self, study: QueuedStudy) -> None:
        while not self._stopping.is_set():
            try:
                with database_faults(self.course.url):
                    study.optimize(self._objective, catch=(TrialFailed,), callbacks=[self._ended])
            except NoTrialLeft:
                self._settle_lost(study)
                if not study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
                    return
                self._stopping.wait(_TICK)  # a trial at work may have to be queued again

    def _objective(self, trial: optuna.Trial) -> float:
        frozen = trial.study.get_trials(deepcopy=False)[trial.number]
        if self._stopping.is_set():
            queue_again(trial.study, frozen, attempt_of(frozen) + 1)
            raise Stopped
        trial.set_user_attr(OWNER, owner())
        params = suggest(self.course.space, trial)
        attempt = Attempt(
            self.ledger,
            number=trial.number,
            attempt=attempt_of(frozen),
            params=params,
            seed=self.course.seed,
        )
        job = self.engine.start(self.course.work, self.course.task(trial.number, params))
        try:
            return self._follow(trial, attempt, job)
        finally:
            job.stop()

    def _follow(self, trial: optuna.Trial, attempt: Attempt, job: Job) -> float:
        while True:
            if self._stopping.is_set():
                job.stop()
            event = job.next(_TICK)
            match event:
                case Reported():
                    attempt.saw(event.facts)
                    self._heard(trial, attempt, event)
                case Finished(outcome=outcome):
                    why = unfit(outcome)
                    if why is not None:
                        return self._give_up(trial, attempt, Failed(why="error", reason=why))
                    entry = attempt.complete(outcome)
                    assert entry.value is not None
                    return entry.value
                case Failed():
                    return self._give_up(trial, attempt, event)
                case None:
                    continue

    def _heard(self, trial: optuna.Trial, attempt: Attempt, event: Reported) -> None:
        trial.set_user_attr(LIVE, dict(event.facts) | {"rank_ic": event.value})
        if not event.facts.get("prunes", True):
            return
        trial.report(event.value, event.epoch)
        if trial.should_prune():
            entry = attempt.pruned(event.epoch)
            trial.set_user_attr(REASON, entry.reason)
            raise optuna.TrialPruned(entry.reason)

    def _give_up(self, trial: optuna.Trial, attempt: Attempt, failure: Failed) -> float:
        attempt.failed(failure)
        trial.set_user_attr(REASON, failure.reason)
        frozen = trial.study.get_trials(deepcopy=False)[trial.number]
        if failure.why == "stopped":
            queue_again(trial.study, frozen, attempt_of(frozen) + 1)
            raise Stopped
        if failure.why == "died":
            queue_again(trial.study, frozen, self.course.retries)
        raise TrialFailed(failure.reason)

    def _ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._write_files(study)
        value = f"{trial.value:.4f}" if trial.state == TrialState.COMPLETE else "no value"
        why = trial.user_attrs.get(REASON)
        self.course.note(
            f"trial {trial.number}: {trial.state.name.lower()}, {value}" + (f" ({why})" if why else "")
        )

    def _write_files(self, study: optuna.Study) -> None:
        with self._writing:
            write_files(self.course.folder, study.get_trials(deepcopy=False), self._ledger_trials())

    def _ledger_trials(self) -> Mapping[int, LedgerEntry]:
        return self.ledger.read().trials


def _say_why(study: QueuedStudy, trial: FrozenTrial, reason: str) -> None:
    study._storage.set_trial_user_attr(trial._trial_id, REASON, reason)
