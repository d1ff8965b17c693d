"""What the process of a local trial does.

It is run as a file, so that nothing is loaded before it has seen to its limits, and the file of the process that
started it is not run again.
"""

from __future__ import annotations

import faulthandler
import fcntl
import importlib
import json
import operator
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gogooku3.sweeps.engines.protocol import Event

_WORST = "1000"  # the kernel ends this process first when memory runs out, before the one that started it


def main(messages: int, lifeline: int) -> None:
    """Do the work that standard input names, and tell what comes of it.

    Args:
        messages: Descriptor of the pipe that events are written to.
        lifeline: Descriptor of a pipe whose other end nobody writes to and only the process that started this one
            holds.
    """
    for descriptor in (messages, lifeline):
        os.set_inheritable(descriptor, False)
    _end_with_parent(lifeline)
    faulthandler.enable()
    faulthandler.register(signal.SIGTERM, chain=True)  # the log shows where it was when its time was over
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text(_WORST, encoding="ascii")
    order = json.load(sys.stdin)
    sys.path[:] = order["path"]
    mouth = _Mouth(messages, order["memory_mb"])
    sys.excepthook = mouth.fail
    _limit_memory(order["memory_mb"])
    module, _, name = order["work"].partition(":")
    work = operator.attrgetter(name)(importlib.import_module(module))
    mouth.finish(work(order["task"], mouth.report))


class _Mouth:
    """Tells events to the process that started this one."""

    def __init__(self, messages: int, memory_mb: int | None) -> None:
        self._messages, self._memory_mb, self._process = messages, memory_mb, os.getpid()
        self._lock = threading.Lock()

    def report(self, epoch: int, value: float, facts: Mapping[str, Any]) -> None:
        from gogooku3.errors import ModelError
        from gogooku3.sweeps.engines.protocol import Reported

        if os.getpid() != self._process:
            raise ModelError("a trial reports from a process that it forked", remedy="report from its own")
        self._tell(Reported(epoch=operator.index(epoch), value=float(value), facts=facts))

    def finish(self, outcome: Mapping[str, Any]) -> None:
        from gogooku3.errors import ModelError
        from gogooku3.sweeps.engines.protocol import Finished

        if not isinstance(outcome, Mapping):
            raise ModelError("what a trial returns is no mapping", got=type(outcome).__name__)
        self._tell(Finished(outcome=outcome))

    def fail(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Tell of an error that nothing caught."""
        _limit_memory(None)  # the frames of the error still hold what filled it
        from gogooku3.sweeps.engines.protocol import Failed

        text = "".join(traceback.format_exception(kind, error, trace))
        sentence = f"{kind.__name__}: {error}".splitlines()[0].removesuffix(": ")
        if _is_memory(error):
            limit = f", with a limit of {self._memory_mb} MB" if self._memory_mb else ""
            self._tell(Failed(why="memory", reason=f"{sentence}{limit}", traceback=text))
        else:
            self._tell(Failed(why="error", reason=sentence, traceback=text))
        sys.__excepthook__(kind, error, trace)

    def _tell(self, event: Event) -> None:
        from gogooku3.sweeps.engines.wire import to_line

        line = to_line(event)
        with self._lock:
            while line:
                line = line[os.write(self._messages, line) :]


def _end_with_parent(lifeline: int) -> None:
    """Have this process and all of its group killed when the lifeline closes, by whatever death of its holder.

    On Linux the kernel sends the signal, so that it comes even while a library holds the interpreter's lock. (Its
    parent-death signal would strike when the thread that started this process ends, and only this process.)
    """
    if sys.platform == "linux":
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)

    def watch() -> None:
        os.read(lifeline, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _limit_memory(megabytes: int | None) -> None:
    """Limit the data of this process as far as the system can; lift the limit with None."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    soft = hard if megabytes is None else megabytes << 20
    with suppress(ValueError, OSError):  # a lower limit holds already
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _is_memory(error: BaseException) -> bool:
    """Whether memory ran out, in the words of Python, numpy and torch."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"MemoryError", "OutOfMemoryError"}) or "can't allocate memory" in str(error)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
