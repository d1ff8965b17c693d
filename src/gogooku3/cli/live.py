"""A progress bar with rate and time left, on standard error."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Live:
    """Shows one task at a time; where there is no terminal, a line at most every ten seconds."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._name, self._unit = "", ""
        self._total, self._done = 0, 0
        self._began = self._said = time.monotonic()

    def start(self, task: str, total: int, unit: str) -> None:
        """Begin a task."""
        self._close()
        self._name, self._unit, self._total, self._done = task, unit, total, 0
        self._began = self._said = time.monotonic()
        if not sys.stderr.isatty():
            self._line()
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} " + unit),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=False,
        )
        self._bar.start()
        self._task = self._bar.add_task(task, total=total, rate="")
        if total == 0:
            self._close()

    def advance(self, units: int = 1) -> None:
        """Count units done."""
        self._done += units
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=units, rate=f"{self._rate():,.1f} {self._unit}/s")
            if self._done >= self._total:
                self._close()
        elif time.monotonic() - self._said > 10 or self._done >= self._total:
            self._line()

    def note(self, text: str) -> None:
        """Print one sentence."""
        self._console.print(text, highlight=False, markup=False)

    def _rate(self) -> float:
        return self._done / max(time.monotonic() - self._began, 1e-9)

    def _line(self) -> None:
        self._said = time.monotonic()
        text = f"{self._name}: {self._done:,}/{self._total:,} {self._unit}"
        if self._done:
            left = (self._total - self._done) / max(self._rate(), 1e-9)
            text += f", {self._rate():,.1f}/s, {left:.0f} s left"
        self.note(text)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None
