"""A market small enough to be audited in seconds."""

from __future__ import annotations

from pathlib import Path

from gogooku3.pipeline.run_folder import Run, open_run

FLAGS: dict[str, object] = {
    "run.simulated": True,
    "simulation.sessions": 400,
    "simulation.stocks": 44,
    "simulation.end": "2024-05-31",
    "simulation.strength": 3.0,
    "splits.test_years": 1,
    "splits.locked_years": 0,
    "splits.min_train_sessions": 20,
    "universe.min_history": 15,
    "labels.horizons": [1, 5],
    "market.ended_after": 5,
    "train.models": ["ridge", "lightgbm", "blend"],
    "blend.of": ["ridge", "lightgbm"],
    "lightgbm.threads": 1,
    "lightgbm.train_share": 0.5,
    "lightgbm.min_rows_in_leaf": 20,
}


def small_run(folder: Path, seed: int = 0, changes: dict[str, object] | None = None) -> Run:
    """A run that is not built yet, on its own market."""
    flags = {
        "run.name": "small",
        "run.folder": str(folder),
        "simulation.seed": seed,
        **FLAGS,
        **(changes or {}),
    }
    return open_run(flags=flags, remembered=False)
