"""The demo's own settings leave it enough to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gogooku3.cli.demo import SETTINGS
from gogooku3.pipeline.run_folder import open_run
from gogooku3.sources.simulation.sessions import simulated_sessions
from gogooku3.splits.walk_forward import WalkForward


def test_every_test_year_of_the_demo_can_be_trained_for(tmp_path: Path) -> None:
    pairs = dict(pair.split("=") for pair in SETTINGS)
    run = open_run(flags={"run.simulated": True, "run.folder": str(tmp_path), **pairs}, remembered=False)
    settings = run.settings
    sessions = simulated_sessions(settings.simulation)
    usable = np.arange(len(sessions)) >= settings.universe.min_history - 1
    reach = max(t.known_after(settings.market.ended_after) for t in settings.labels.targets)
    folds = WalkForward(settings=settings.splits, reach=reach).folds(sessions, usable)
    assert len(folds) == settings.splits.test_years
    assert len(folds[0].train) >= settings.splits.min_train_sessions + 10
