"""Trials in processes of this machine."""

from __future__ import annotations

import importlib
import itertools
import operator
import os
import sys
import threading
from pathlib import Path
from types import TracebackType

from gogooku3.config.process import environment_with_threads
from gogooku3.errors import ModelError, SettingsError, StorageError
from gogooku3.sweeps.engines.local_job import LocalJob
from gogooku3.sweeps.engines.local_limits import LocalLimits
from gogooku3.sweeps.engines.local_process import LocalProcess
from gogooku3.sweeps.engines.protocol import Facts, Work
from gogooku3.sweeps.engines.wire import as_json


class LocalEngine:
    """Computes each trial in a fresh process of this machine.

    ```python
    with LocalEngine(2, threads=1, logs=Path("logs"), seconds=3600) as engine:
        job = engine.start(compute, {"learning_rate": 1e-3})
        while isinstance(event := job.next(timeout=60.0), Reported | None):
            ...
    ```

    A trial's process is started anew: it does not run the file of this one again, shares neither threads nor locks
    with it, and has its thread caps before any library is loaded. What it prints goes to a file. Ctrl-C in the
    terminal does not reach it; when this process is gone, however it died, the trials and all they started are killed.

    Args:
        slots: Trials at the same time.
        threads: Threads that the libraries of a trial may use.
        logs: Folder for what trials print; it is made.
        seconds: That a trial may take; None for any.
        quiet_seconds: That a trial may take without a report; None for any. Loading libraries counts.
        memory_mb: Data that a trial's process may hold, in MB (its limit RLIMIT_DATA, on Linux); None for any. What
            a process reserves counts, touched or not, so it does not suit trials that use CUDA.
        grace: Seconds in which a trial that is told to end may do so before it is killed.

    Raises:
        SettingsError: A number is not above 0, or the system is not POSIX.
        StorageError: The folder cannot be made.
    """

    def __init__(
        self,
        slots: int,
        *,
        threads: int,
        logs: Path,
        seconds: float | None = None,
        quiet_seconds: float | None = None,
        memory_mb: int | None = None,
        grace: float = 5.0,
    ) -> None:
        if os.name != "posix":
            raise SettingsError("trials in local processes need a POSIX system", got=os.name)
        for name, value in {"slots": slots, "threads": threads}.items():
            if value < 1:
                raise SettingsError("an engine cannot work so", where=name, got=value, expected="1 or more")
        self._slots, self._threads = slots, threads
        self._limits = LocalLimits(
            seconds=seconds, quiet_seconds=quiet_seconds, memory_mb=memory_mb, grace=grace
        )
        self._logs = _made(logs)
        self._numbers = itertools.count(1)
        self._jobs: set[LocalJob] = set()
        self._closed = False
        self._lock = threading.Lock()

    @property
    def slots(self) -> int:
        """Trials that can be at work at the same time."""
        return self._slots

    def start(self, work: Work, task: Facts) -> LocalJob:
        """Begin a trial in a slot of its own.

        Args:
            work: A function of a module.
            task: Its first argument, plain data.

        Raises:
            ModelError: The work is no function of a module, the task no plain data; all slots are taken, or the
                engine is closed.
            StorageError: The log of the trial cannot be written.
        """
        order = as_json(
            {
                "work": _name_of(work),
                "task": dict(task),
                "path": [str(folder) for folder in sys.path],
                "memory_mb": self._limits.memory_mb,
            },
            "the task of a trial",
        )
        with self._lock:
            self._check_free()
            process = LocalProcess(
                order, environment=environment_with_threads(self._threads), log=self._fresh_log()
            )
            job = LocalJob(process, self._limits, self._forget)
            self._jobs.add(job)
        return job

    def close(self) -> None:
        """End all trials that are at work; none can be started any more."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs)
        for job in jobs:
            job.tell_to_stop()
        for job in jobs:
            job.stop()

    def __enter__(self) -> LocalEngine:
        """Return the engine, which is closed at the end of the ``with`` statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _check_free(self) -> None:
        if self._closed:
            raise ModelError("an engine that is closed cannot start a trial")
        if len(self._jobs) >= self._slots:
            raise ModelError(
                "all slots of the engine are taken",
                got=f"{len(self._jobs)} trials at work",
                expected=f"fewer than {self._slots}",
                remedy="start the next trial after the last event of another one",
            )

    def _fresh_log(self) -> Path:
        """Make the file of the next free number; other processes may do the same in the same folder."""
        for number in self._numbers:
            log = self._logs / f"{number:04d}.log"
            try:
                log.touch(exist_ok=False)
            except FileExistsError:
                continue
            except OSError as error:
                raise StorageError("the log of a trial cannot be made", where=log, got=error) from error
            return log
        raise AssertionError("numbers never end")

    def _forget(self, job: LocalJob) -> None:
        with self._lock:
            self._jobs.discard(job)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            "the folder of the trials' logs cannot be made", where=folder, got=error
        ) from error
    return folder.resolve()


def _name_of(work: Work) -> str:
    """Return the module and name that another process finds a function by."""
    module, name = getattr(work, "__module__", ""), getattr(work, "__qualname__", "")
    try:
        found = operator.attrgetter(name)(importlib.import_module(module)) if module != "__main__" else None
    except (ImportError, AttributeError, ValueError):
        found = None
    if found is not work:
        raise ModelError(
            "the work of a trial is no function of a module",
            got=f"{module}.{name}" if name else repr(work),
            expected="a function that another process can import",
            remedy="define it at the top of a module, not in a function and not in the file that is run",
        )
    return f"{module}:{name}"
