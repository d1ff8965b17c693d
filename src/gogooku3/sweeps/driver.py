"""Work through a study: one thread for each slot of the engine, each with one trial at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from gogooku3.errors import Gogooku3Error
from gogooku3.sweeps.database import database_faults
from gogooku3.sweeps.engines.protocol import Engine, Facts, Failed, Finished, Job, Reported, Work
from gogooku3.sweeps.files import write_files
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.outcome import Attempt, unfit
from gogooku3.sweeps.owner import owner
from gogooku3.sweeps.settle import Settler
from gogooku3.sweeps.space import Params, Space, suggest
from gogooku3.sweeps.study import (
    LIVE,
    OWNER,
    REASON,
    NoTrialLeft,
    QueuedStudy,
    attempt_of,
    points_ended,
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
        note: Told of every trial that ends, in a sentence, and how many points have ended for good, None if that is
            as before.
        clean: Removes what a trial left on the disk.
        shared: The database is one that other machines reach.
    """

    folder: Path
    space: Space
    work: Work
    task: Callable[[int, Params], Facts]
    seed: int
    retries: int
    grace: float
    url: str
    note: Callable[[str, int | None], None]
    clean: Callable[[int], None] = lambda _: None
    shared: bool = False


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
        self._writing = threading.Lock()
        self.settler = Settler(
            ledger, seed=course.seed, retries=course.retries, grace=course.grace, shared=course.shared
        )
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
                    self.settler.collect(self.studies[0])
                    self._write_files(self.studies[0])
        if self._errors:
            raise self._errors[0]

    def revive(self) -> None:
        """Settle what an earlier search left behind: by the ledger, or by queueing it again."""
        study = self.studies[0]
        with database_faults(self.course.url):
            self.settler.revive(study)
        for number in self._ledger_trials():
            self.course.clean(number)
        self._write_files(study)

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
            except (UpdateFinishedTrialError, ValueError) as error:
                if not _is_overtaken(error):
                    raise
                self.course.note("a trial was taken from this machine, which had shown no sign of life", None)
            except NoTrialLeft:
                with database_faults(self.course.url):
                    self.settler.settle_lost(study)
                    if not study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
                        return
                self._stopping.wait(_TICK)  # a trial at work may have to be queued again

    def _objective(self, trial: optuna.Trial) -> float:
        trial.set_user_attr(OWNER, owner())
        frozen = _frozen(trial)
        stopping = self._stopping.is_set()
        params = frozen.params if stopping else suggest(self.course.space, trial)
        attempt = Attempt(
            self.ledger,
            number=trial.number,
            attempt=attempt_of(frozen),
            params=params,
            seed=self.course.seed,
        )
        if stopping:
            return self._give_up(trial, attempt, Failed(why="stopped", reason="the search was stopped"))
        job = self.engine.start(self.course.work, self.course.task(trial.number, params))
        try:
            return self._follow(trial, attempt, job)
        finally:
            job.stop()
            self.course.clean(trial.number)

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
                    _refuse_overtaken(trial)
                    entry = attempt.complete(outcome)
                    self.settler.say(trial.study, _frozen(trial), entry)
                    assert entry.value is not None
                    return entry.value
                case Failed():
                    return self._give_up(trial, attempt, event)
                case None:
                    continue

    def _heard(self, trial: optuna.Trial, attempt: Attempt, event: Reported) -> None:
        told = {"rank_ic": event.value, "seconds": round(attempt.seconds, 1)}
        trial.set_user_attr(LIVE, dict(event.facts) | told)
        if not event.facts.get("prunes", True):
            return
        trial.report(event.value, event.epoch)
        if trial.should_prune():
            entry = attempt.pruned(event.epoch)
            self.settler.say(trial.study, _frozen(trial), entry)
            raise optuna.TrialPruned(entry.reason)

    def _give_up(self, trial: optuna.Trial, attempt: Attempt, failure: Failed) -> float:
        _refuse_overtaken(trial)
        entry = attempt.failed(failure)
        self.settler.say(trial.study, _frozen(trial), entry)
        if failure.why == "stopped":
            raise Stopped
        raise TrialFailed(failure.reason)

    def _ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._write_files(study)
        value = f"{trial.value:.4f}" if trial.state == TrialState.COMPLETE else "no value"
        why = trial.user_attrs.get(REASON)
        self.course.note(
            f"trial {trial.number}: {trial.state.name.lower()}, {value}" + (f" ({why})" if why else ""),
            points_ended(study.get_trials(deepcopy=False)),
        )

    def _write_files(self, study: optuna.Study) -> None:
        with self._writing:
            write_files(self.course.folder, study.get_trials(deepcopy=False), self._ledger_trials())

    def _ledger_trials(self) -> Mapping[int, LedgerEntry]:
        return self.ledger.read().trials


def _frozen(trial: optuna.Trial) -> FrozenTrial:
    return trial.study.get_trials(deepcopy=False)[trial.number]


def _refuse_overtaken(trial: optuna.Trial) -> None:
    """See to it that the ledger says nothing of a trial that another machine has taken for lost.

    Raises:
        UpdateFinishedTrialError: It has.
    """
    if _frozen(trial).state.is_finished():
        raise UpdateFinishedTrialError(f"trial {trial.number} was ended by another machine")


def _is_overtaken(error: Exception) -> bool:
    """Tell whether Optuna refused to end a trial that has ended; it says so by a plain ValueError."""
    return isinstance(error, UpdateFinishedTrialError) or str(error).startswith("Cannot tell a ")
