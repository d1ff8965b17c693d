"""A trial at work in a local process."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from gogooku3.sweeps.engines.local_limits import LocalLimits
from gogooku3.sweeps.engines.local_process import LocalProcess
from gogooku3.sweeps.engines.protocol import Event, Failed, Finished, Reported

_BETWEEN_LOOKS = 0.1  # seconds


class LocalJob:
    """A trial at work in a local process; a thread sees to its limits, whether or not anyone asks for events.

    Args:
        process: Its process.
        limits: What it may take.
        gone: Called when the process is gone, before the last event comes.

    Attributes:
        pid: Number of the process.
        log: What the process prints.
    """

    def __init__(self, process: LocalProcess, limits: LocalLimits, gone: Callable[[LocalJob], None]) -> None:
        self.pid: int = process.pid
        self.log: Path = process.log
        self._process, self._limits, self._gone = process, limits, gone
        self._began = self._heard = time.monotonic()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._said: Event | None = None
        self._last: Event | None = None
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name=f"trial in {self.pid}", daemon=True)
        self._watcher.start()

    def next(self, timeout: float) -> Event | None:
        """Return the next event, None if there is none within ``timeout`` seconds; the last comes again."""
        if self._last is not None:
            return self._last
        try:
            event = self._events.get(timeout=min(max(timeout, 0.0), threading.TIMEOUT_MAX))
        except queue.Empty:
            return None
        if not isinstance(event, Reported):
            self._last = event
        return event

    def stop(self) -> None:
        """End the trial and all it started; return when they are gone."""
        self.tell_to_stop()
        self._watcher.join()

    def tell_to_stop(self) -> None:
        """Have the trial stopped without waiting for it."""
        self._stopped.set()

    def _watch(self) -> None:
        """Follow the process to its end; whatever happens, it is ended and a last event comes."""
        with ExitStack() as at_end:
            at_end.callback(self._conclude)
            at_end.callback(self._gone, self)
            at_end.callback(self._end)
            self._said = self._follow()

    def _follow(self) -> Event | None:
        """Pass reports on; return what ends the trial, None if its process has ended and not said why."""
        while True:
            ended = self._process.has_ended()  # asked first: if so, all it wrote can be read
            for event in self._process.read(0.0 if ended else _BETWEEN_LOOKS):
                if isinstance(event, Finished) or (isinstance(event, Failed) and not self._stopped.is_set()):
                    return event
                if isinstance(event, Reported):
                    self._heard = time.monotonic()
                    self._events.put(event)
            if self._stopped.is_set():
                return Failed(why="stopped", reason="it was stopped")
            if ended:
                return None
            now = time.monotonic()
            over = self._limits.over(elapsed=now - self._began, quiet=now - self._heard)
            if over:
                return Failed(why="time", reason=over)

    def _end(self) -> None:
        """End the process; one that has said what comes last may first end by itself."""
        cut_off = self._said is None or (
            isinstance(self._said, Failed) and self._said.why in {"time", "stopped"}
        )
        grace = self._limits.grace
        self._process.end(patience=0.0 if cut_off else grace, grace=grace)

    def _conclude(self) -> None:
        """Send the last event, with what is known once the process is gone."""
        last = self._said
        if last is None:
            how = f"its process {self._process.how_it_ended()}"
            if self._process.ran_out_of_memory():
                last = Failed(why="memory", reason=f"{how} when memory ran out")
            else:
                last = Failed(why="died", reason=how)
        if isinstance(last, Failed) and last.why not in {"error", "stopped"} and not last.traceback:
            last = replace(last, traceback=self._process.last_words())
        self._events.put(last)
