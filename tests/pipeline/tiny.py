"""A whole run on a tiny simulated market, made once a process; tests that change it copy it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest

from gogooku3.config.settings import Settings
from gogooku3.pipeline.run import run_all
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.progress import Progress
from tests.counted import Counted

NAME = "tiny"
MODELS: dict[str, object] = {
    "splits.test_years": 1,
    "splits.min_train_sessions": 60,
    "lightgbm.seeds": 2,
    "lightgbm.train_share": 0.5,
    "lightgbm.leaves": 7,
    "lightgbm.learning_rate": 0.2,
    "lightgbm.max_rounds": 8,
    "lightgbm.check_every": 4,
    "lightgbm.min_rows_in_leaf": 20,
    "evaluation.bootstrap_samples": 100,
}
"""Settings of training and evaluation: test year 2024, locked 2025."""
MARKET: dict[str, object] = {"universe.min_history": 40, "labels.horizons": [1, 5]}
SIMULATION: dict[str, object] = {
    "simulation.stocks": 50,
    "simulation.sessions": 700,
    "simulation.end": "2025-02-28",
    "simulation.strength": 3.0,
    "simulation.listed_later": 0.06,
}
FLAGS: dict[str, object] = {"run.simulated": True, **SIMULATION, **MARKET, **MODELS}

TOLD = Counted()
"""What the tiny run told of its progress."""


def tiny_run(
    folder: Path, changes: Mapping[str, object] | None = None, progress: Progress | None = None
) -> Run:
    """Open the tiny run below ``folder``, some settings changed."""
    flags = {"run.name": NAME, "run.folder": str(folder), **FLAGS, **(changes or {})}
    return open_run(flags=flags, progress=progress, remembered=False)


@cache
def _made(folder: Path) -> Path:
    folder.parent.mkdir()
    with chdir(folder.parent):  # so that the settings of all copies name the same folder
        run_all(tiny_run(Path(folder.name), progress=TOLD))
    return folder


def made_once(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of runs with the finished tiny run in it, not to be written to."""
    return _made(factory.getbasetemp() / "tiny" / "runs")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def simulation_of(settings: Settings):
    """The tiny market itself."""
    from gogooku3.sources.simulation.simulate import simulate

    return simulate(settings.simulation, [(t.horizon, t.lag) for t in settings.labels.targets])
