"""An engine that computes in threads of this process, and a course of cheap trials, to test what drives them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna

from gogooku3.sweeps.database import database_url, open_storage
from gogooku3.sweeps.driver import Course, Driver
from gogooku3.sweeps.engines.protocol import Engine, Event, Facts, Failed, Finished, Reported, Work
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.space import Choice, Params, Range, Space
from gogooku3.sweeps.study import QueuedStudy, make_study, rebuild

SPACE: Space = {"optimizer.learning_rate": Range(low=0.0, high=1.0), "atft.heads": Choice(values=(2, 4))}
SETTINGS = SweepSettings(trials=6, startup=2, heartbeat=1, grace=60)


class Dies(Exception):  # noqa: N818
    """The stand-in of a process that is killed."""


class ThreadJob:
    def __init__(self, work: Work, task: Facts) -> None:
        self._events: queue.Queue[Event] = queue.Queue()
        self._last: Event | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work, task), daemon=True)
        self._thread.start()

    def _run(self, work: Work, task: Facts) -> None:
        def report(epoch: int, value: float, facts: Facts) -> None:
            self._events.put(Reported(epoch=epoch, value=value, facts=facts))

        try:
            outcome = work({**task, "stopped": self._stopped}, report)
            self._events.put(Finished(outcome=outcome))
        except Dies:
            self._events.put(Failed(why="died", reason="its process was killed"))
        except ValueError as error:
            self._events.put(Failed(why="error", reason=str(error), traceback="Traceback ..."))

    def next(self, timeout: float) -> Event | None:
        if self._last is None:
            if self._stopped.is_set():
                self._last = Failed(why="stopped", reason="the search was stopped")
                return self._last
            try:
                event = self._events.get(timeout=timeout)
            except queue.Empty:
                return None
            if isinstance(event, Reported):
                return event
            self._last = event
        return self._last

    def stop(self) -> None:
        self._stopped.set()


class ThreadEngine:
    def __init__(self, slots: int = 1) -> None:
        self._slots = slots

    @property
    def slots(self) -> int:
        return self._slots

    def start(self, work: Work, task: Facts) -> ThreadJob:
        return ThreadJob(work, task)

    def close(self) -> None:
        pass


def outcome(value: float) -> dict[str, Any]:
    return {
        "value": value,
        "epochs": {"2018": 2, "2019": 1},
        "fold_rank_ic": {"2018": value, "2019": value},
        "memory_mb": 100,
        "series": {
            "date": ["2018-01-04", "2018-01-05", "2018-01-09"],
            "rank_ic": {"5": [value, value - 0.01, None]},
            "net": {"5": [0.01, -0.01, None]},
        },
    }


def rate(task: Facts, report: Callable[[int, float, Facts], None]) -> Facts:
    """The value is the learning rate."""
    value = float(task["params"]["optimizer.learning_rate"])
    report(1, value / 2, {"prunes": True, "memory_mb": 90})
    return outcome(value)


def driver(
    folder: Path,
    work: Work = rate,
    *,
    settings: SweepSettings = SETTINGS,
    slots: int = 1,
    join: bool = False,
    url: str | None = None,
    engine: Engine | None = None,
    note: Callable[[str, int | None], None] = lambda _, __: None,
) -> Driver:
    folder.mkdir(parents=True, exist_ok=True)
    shared = url is not None
    url = url or database_url(folder, None)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ledger = Ledger(folder)
    storage = open_storage(url, settings)
    first = make_study(
        storage,
        settings.name,
        {"space": "one"},
        trials=settings.trials,
        join=join,
        check=lambda _: None,
        lost=lambda study: rebuild(study, ledger.read().trials, SPACE, settings.retries),
    )
    begun = sum(trial.state.name != "WAITING" for trial in first.get_trials(deepcopy=False))
    studies = [
        QueuedStudy(
            study_name=settings.name,
            storage=storage,
            sampler=optuna.samplers.RandomSampler(seed=1000 * begun + slot),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=settings.startup, n_warmup_steps=0)
            if settings.pruner == "median"
            else optuna.pruners.NopPruner(),
        )
        for slot in range(slots)
    ]

    def task(number: int, params: Params) -> dict[str, Any]:
        return {"number": number, "params": params}

    course = Course(
        folder=folder,
        space=SPACE,
        work=work,
        task=task,
        seed=0,
        retries=settings.retries,
        grace=settings.grace,
        url=url,
        note=note,
        shared=shared,
    )
    return Driver(course, studies, engine or ThreadEngine(slots), ledger)
