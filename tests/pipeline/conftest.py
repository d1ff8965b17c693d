from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.tiny import copy_of, made_once


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs that holds the finished tiny run; read it, do not write to it."""
    return made_once(tmp_path_factory)


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be changed."""
    return copy_of(made, tmp_path)
