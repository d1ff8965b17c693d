"""Searches of cheap trials in processes of their own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from gogooku3.sweeps.engines.local import LocalEngine
from gogooku3.sweeps.engines.protocol import Facts, Report
from gogooku3.sweeps.settings import SweepSettings
from tests.sweeps.stand_in import driver, rate

SETTINGS = SweepSettings(trials=6, startup=2, heartbeat=1, grace=5, pruner="none")


def brief(task: Facts, report: Report) -> Facts:
    """Take a moment."""
    time.sleep(0.05)
    return rate(task, report)


def killed_sometimes(task: Facts, report: Report) -> Facts:
    """Kill this process as soon as it has reported, ten times in all; a trial of eight at most twice."""
    if task["number"] < 10:
        report(1, 0.0, {"prunes": True})
        os.kill(os.getpid(), signal.SIGKILL)
    return rate(task, report)


def hangs(task: Facts, report: Report) -> Facts:
    """Hang on the second trial."""
    if task["number"] == 1:
        time.sleep(600)
    return rate(task, report)


def search(folder: Path, work: object, settings: SweepSettings = SETTINGS, **limits: float) -> None:
    """Work through a study, or go on with it."""
    there = (folder / "study.db").exists()
    with LocalEngine(2, threads=1, logs=folder / "logs", **limits) as engine:
        made = driver(folder, work, settings=settings, slots=2, join=there, engine=engine)  # type: ignore[arg-type]
        made.run()
