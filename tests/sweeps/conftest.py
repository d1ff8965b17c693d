from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.tiny import made_once


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs that holds the finished tiny run; read it, do not write to it."""
    return made_once(tmp_path_factory)
