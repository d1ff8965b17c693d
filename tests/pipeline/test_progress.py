"""Every task of a run ends where it said it would, so that the time left is true."""

from __future__ import annotations

from pathlib import Path

from tests.pipeline.tiny import TOLD


def test_every_task_of_a_run_ends_where_it_said(made: Path) -> None:
    assert made.is_dir()
    names = [task.name for task in TOLD.tasks]
    assert "computing features" in names
    assert any(name.startswith("training lightgbm") for name in names)
    assert TOLD.wrong() == []
