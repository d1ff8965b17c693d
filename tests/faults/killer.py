"""Run a piece of work in a child process that is killed at a chosen point.

`python -m tests.faults.killer` reads one JSON request a line and answers each with a line; it loads the libraries
once and forks for every request, before any of their threads begin. `Killer` speaks to it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from tests.faults import tracing

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 180


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a piece of work ended.

    Attributes:
        killed: Whether it was killed before it ended by itself.
        calls: Names of the system calls it had finished, in order, where they were counted.
        seconds: Time from the end of its preparation.
    """

    killed: bool
    calls: tuple[str, ...]
    seconds: float


class Killer:
    """A process that does work in children and kills them; use it in a ``with`` statement."""

    def __enter__(self) -> Killer:
        """Start it."""
        arguments = [sys.executable, "-m", "tests.faults.killer"]
        environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "POLARS_ALLOW_FORKING_THREAD": "1"}
        self._process = subprocess.Popen(
            arguments, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(timeout=_PATIENCE)

    def __call__(
        self,
        work: str,
        folder: Path,
        *,
        calls: int | None = None,
        seconds: float | None = None,
        count: bool = False,
        all_calls: bool = False,
    ) -> Ended:
        """Do ``work`` in ``folder``; kill it after so many system calls or seconds, or let it finish.

        Args:
            work: A name in ``tests.faults.works.WORKS``.
            folder: Where.
            calls: System calls after which it is killed.
            seconds: Seconds after which it is killed.
            count: Count system calls although it is not killed.
            all_calls: Count all system calls, not only those that can change a file.
        """
        request = {"work": work, "folder": str(folder), "calls": calls, "seconds": seconds}
        request |= {"count": count or calls is not None, "all_calls": all_calls}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._answer(self._process.stdout))
        if answer.pop("failed"):
            raise AssertionError(f"{work} failed: {answer}")
        return Ended(**answer | {"calls": tuple(answer["calls"])})

    def _answer(self, stream: IO[str]) -> str:
        """Wait for a line; time in which this process is itself stopped does not count."""
        for _ in range(_PATIENCE):
            if select.select([stream], [], [], 1.0)[0]:
                return stream.readline()
        self._process.kill()
        raise AssertionError(f"no answer after {_PATIENCE} s")


def serve() -> None:
    """Answer requests until there are no more."""
    from tests.faults.works import WORKS

    for line in sys.stdin:
        request = json.loads(line)
        work, folder = WORKS[request["work"]], Path(request["folder"])
        if request["count"]:
            answer = _counted(work, folder, request["calls"], request["all_calls"])
        else:
            answer = _timed(work, folder, request["seconds"])
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


def _counted(
    work: Callable[[Path, Callable[[], None]], None], folder: Path, limit: int | None, all_calls: bool
) -> dict[str, object]:
    began = time.monotonic()
    pid = _fork(work, folder, tracing.begin)
    calls, status = tracing.follow(pid, limit, all_calls=all_calls)
    return _answer(status, time.monotonic() - began, calls=calls or ())


def _timed(
    work: Callable[[Path, Callable[[], None]], None], folder: Path, seconds: float | None
) -> dict[str, object]:
    listen, tell = os.pipe()
    pid = _fork(work, folder, lambda: os.write(tell, b"!"))
    os.close(tell)
    os.read(listen, 1)
    os.close(listen)
    began = time.monotonic()
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return _answer(status, time.monotonic() - began, calls=())


def _answer(status: int, seconds: float, **found: object) -> dict[str, object]:
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    failed = not killed and status != 0
    return {"killed": killed, "failed": failed, "seconds": seconds, **found}


def _fork(work: Callable[[Path, Callable[[], None]], None], folder: Path, ready: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.dup2(2, 1)
        work(folder, lambda: (ready(), None)[1])
        code = 0
    except BaseException:  # noqa: BLE001 - the child says what happened and ends here
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
