"""A job without rows, sessions or files ends in an error, never in a success."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogooku3.errors import Gogooku3Error, SettingsError
from gogooku3.pipeline.build import build
from gogooku3.pipeline.run import run_all
from gogooku3.pipeline.run_folder import open_run
from tests.pipeline.tiny import tiny_run

SMALL: dict[str, object] = {"simulation.stocks": 30, "simulation.sessions": 320}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"universe.min_history": 5_000}, r"min_history"),
        ({"splits.min_train_sessions": 5_000}, "min_train_sessions"),
        ({"splits.test_years": 40}, "test years do not fit"),
    ],
)
def test_filters_that_leave_nothing(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    run = tiny_run(tmp_path / "runs", {**SMALL, **changes})
    with pytest.raises(Gogooku3Error, match=message):
        run_all(run)
    assert not run.path("predictions.parquet").exists()
    assert not run.path("report.html").exists()


def test_no_source_of_bars(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no bars"):
        build(open_run(flags={"run.folder": str(tmp_path)}))
    assert list(tmp_path.iterdir()) == []
