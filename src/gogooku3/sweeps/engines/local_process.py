"""The process of a local trial, seen from the one that started it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from gogooku3.errors import StorageError
from gogooku3.sweeps.engines import local_child
from gogooku3.sweeps.engines.protocol import Event
from gogooku3.sweeps.engines.wire import Lines, from_line

_FULL_PIPE = 1 << 20  # bytes; no pipe holds more
_BETWEEN_LOOKS = 0.02  # seconds
_KILLED = 10.0  # seconds in which a killed process is gone, unless the kernel itself hangs
_TAIL = 40  # lines
_STATISTICS = Path("/proc/vmstat")


class LocalProcess:
    """A fresh Python that leads a session of its own, so that Ctrl-C in the terminal does not reach it.

    It writes events to a pipe, and what it prints to a log. It is ended with all it started by `end`, and by itself
    when this process is gone.

    Args:
        order: What it is to do, one line of JSON.
        environment: Its environment.
        log: File that what it prints is added to.

    Raises:
        StorageError: The log cannot be written.
        OSError: The system has no room for another process.
    """

    def __init__(self, order: str, *, environment: Mapping[str, str], log: Path) -> None:
        self.log, self._lines, self._kills = log, Lines(), _out_of_memory_kills()
        with ExitStack() as undo, ExitStack() as theirs:
            self._messages, messages = _pipe(undo, theirs)
            lifeline, _ = _pipe(theirs, undo)
            try:
                printed = theirs.enter_context(log.open("ab"))
                orders = theirs.enter_context(tempfile.TemporaryFile(dir=log.parent))
                orders.write(order.encode())
                orders.seek(0)
            except OSError as error:
                raise StorageError("the log of a trial cannot be written", where=log, got=error) from error
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-u", local_child.__file__, str(messages), str(lifeline)],
                stdin=orders,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(messages, lifeline),
                start_new_session=True,
            )
            self._undo = undo.pop_all()
        os.set_blocking(self._messages, False)
        self._poll = select.poll()
        self._poll.register(self._messages, select.POLLIN)

    @property
    def pid(self) -> int:
        """Its number, which is that of its process group, too."""
        return self._process.pid

    def read(self, timeout: float) -> list[Event]:
        """Wait up to some seconds for events and return those that are there in full."""
        if not self._poll.poll(timeout * 1000):
            return []
        piece = os.read(self._messages, _FULL_PIPE)
        if not piece:  # its end was closed, so the process ends
            time.sleep(min(timeout, _BETWEEN_LOOKS))
        return [event for line in self._lines.add(piece) if (event := from_line(line)) is not None]

    def has_ended(self) -> bool:
        """Whether it has ended; it is kept as a zombie, so that no other process gets its number."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is not None
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # another part of this program has waited for it
            return True

    def end(self, *, patience: float, grace: float) -> None:
        """Wait for its end, tell it to end, kill it; then kill what it started and left behind.

        Args:
            patience: Seconds before it is told to end.
            grace: Seconds after that before it is killed.
        """
        if not self._ends_within(patience):
            self._signal(signal.SIGTERM)
        if not self._ends_within(grace):
            self._signal(signal.SIGKILL)
        self._ends_within(_KILLED)
        self._signal(signal.SIGKILL)
        self._process.poll()
        self._undo.close()

    def how_it_ended(self) -> str:
        """Return the signal that ended it, or else its exit code."""
        code = self._process.returncode
        if code is None:
            return "does not end, though it was killed"
        if code >= 0:
            return f"ended with exit code {code}"
        names = {number.value: number.name for number in signal.Signals}
        return f"was ended by {names.get(-code, f'signal {-code}')}"

    def ran_out_of_memory(self) -> bool:
        """Whether it was killed while the kernel killed for want of memory."""
        return self._process.returncode == -signal.SIGKILL and _out_of_memory_kills() > self._kills

    def last_words(self) -> str:
        """Return the last lines of what it printed."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - (1 << 16)))
            return "\n".join(log.read().decode("utf-8", errors="replace").splitlines()[-_TAIL:])
        return ""

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS: only a zombie is left
            os.killpg(self.pid, number)

    def _ends_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() >= end:
                return False
            time.sleep(_BETWEEN_LOOKS)
        return True


def _pipe(reads: ExitStack, writes: ExitStack) -> tuple[int, int]:
    """Open a pipe whose two ends are closed by different hands."""
    ends = os.pipe()
    for undo, descriptor in zip((reads, writes), ends, strict=True):
        undo.callback(os.close, descriptor)
    return ends


def _out_of_memory_kills() -> int:
    """Return how often the kernel has killed for want of memory, 0 where it does not say."""
    with suppress(OSError, ValueError):
        words = _STATISTICS.read_text(encoding="ascii").split()
        return int(words[words.index("oom_kill") + 1])
    return 0
