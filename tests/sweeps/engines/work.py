"""Trials that engines are tested with."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from gogooku3.errors import PanelError
from gogooku3.sweeps.engines.protocol import Facts, Report

LONG = 600.0  # seconds; no test waits as long


def climb(task: Facts, report: Report) -> Facts:
    """Report epochs and return how many."""
    for epoch in range(1, task["epochs"] + 1):
        report(epoch, epoch / 8, {"left": task["epochs"] - epoch})
    return {"epochs": task["epochs"]}


def echo(task: Facts, report: Report) -> Facts:
    report(1, 0.0, task)
    return task


def fail(task: Facts, report: Report) -> Facts:
    report(1, 0.5, {})
    raise PanelError("the panel has a hole", where="row 3", got="nothing", remedy="fill it")


def fail_as_torch_does(task: Facts, report: Report) -> Facts:
    raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory")


def die(task: Facts, report: Report) -> Facts:
    """End at once with an exit code, or by a signal."""
    report(1, 0.5, {})
    sys.stdout.write("these are\nmy last words")
    if "signal" in task:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), task["signal"])
    os._exit(task["code"])


def leave(task: Facts, report: Report) -> Facts:
    sys.exit(5)


def hang(task: Facts, report: Report) -> Facts:
    report(1, 0.5, {})
    time.sleep(LONG)
    return {}


def hold_the_lock(task: Facts, report: Report) -> Facts:
    """Hang within a library that does not let other threads of Python run."""
    report(1, 0.5, {"child": _sleeper()})
    ctypes.PyDLL(None).sleep(int(LONG))
    return {}


def start_a_child(task: Facts, report: Report) -> Facts:
    """Report the number of a process of its own and hang, or return at once and leave it behind."""
    report(1, 0.5, {"child": _sleeper()})
    time.sleep(task["seconds"])
    return {}


def ignore_the_end(task: Facts, report: Report) -> Facts:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    report(1, 0.5, {"child": _sleeper()})
    while True:
        time.sleep(0.01)


def meet(task: Facts, report: Report) -> Facts:
    """Wait until the other one is at work, too."""
    folder = Path(task["folder"])
    (folder / task["me"]).touch()
    while not (folder / task["other"]).exists():
        time.sleep(0.01)
    report(1, 0.5, {})
    while not (folder / f"{task['other']} has met").exists():
        (folder / f"{task['me']} has met").touch()
        time.sleep(0.01)
    (folder / f"{task['me']} has met").touch()
    return {"met": task["other"]}


def give_a_set(task: Facts, report: Report) -> Facts:
    return {"stocks": {1301, 7203}}


def give_a_nan(task: Facts, report: Report) -> Facts:
    return {"value": float("nan")}


def give_a_tuple(task: Facts, report: Report) -> Facts:
    return {"horizons": (1, 5)}


def give_nothing(task: Facts, report: Report) -> Facts:
    return None  # type: ignore[return-value]


def report_a_nan(task: Facts, report: Report) -> Facts:
    report(1, float("nan"), {})
    return {}


def flood(task: Facts, report: Report) -> Facts:
    """Report large epochs until killed."""
    epoch = 0
    while True:
        epoch += 1
        report(epoch, epoch / 8, {"text": f"{epoch} " * 50_000})


def write_half(task: Facts, report: Report) -> Facts:
    """Be killed, or be interrupted, when half of the second report is written."""
    report(1, 0.5, {})
    whole = os.write

    def half(descriptor: int, data: bytes) -> int:
        whole(descriptor, data[: len(data) // 2])
        if task["killed"]:
            os.kill(os.getpid(), signal.SIGKILL)
        raise TimeoutError

    os.write = half
    try:
        report(2, 0.5, {"text": "lost"})
    except TimeoutError:
        os.write = whole
    report(3, 0.5, {})
    return {}


def eat(task: Facts, report: Report) -> Facts:
    """Take all memory there is, all of it still held when the error is told."""
    held: tuple[object, ...] = ()
    while True:
        held = (held, bytes(4000))


def describe(task: Facts, report: Report) -> Facts:
    """Say in what surroundings a trial works."""
    loaded = sorted(name for name in ("numpy", "torch", "polars", "pydantic") if name in sys.modules)
    score = Path("/proc/self/oom_score_adj")
    return {
        "loaded": loaded,
        "environment": dict(os.environ),
        "main": Path(sys.modules["__main__"].__file__ or "").name,
        "session": os.getsid(0),
        "pid": os.getpid(),
        "oom_score_adj": int(score.read_text()) if score.exists() else None,
        "input": sys.stdin.read(),
    }


def _sleeper() -> int:
    return subprocess.Popen(["sleep", str(LONG)]).pid
