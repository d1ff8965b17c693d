from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.pipeline.tiny import made_once


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs that holds the finished tiny run; read it, do not write to it."""
    return made_once(tmp_path_factory)


@pytest.fixture
def runs(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to be changed, in the current folder."""
    shutil.copytree(made, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return Path("runs")
