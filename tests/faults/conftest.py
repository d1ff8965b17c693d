from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import tracing
from tests.faults.killer import Killer
from tests.pipeline.tiny import made_once


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs that holds the finished tiny run; read it, do not write to it."""
    return made_once(tmp_path_factory)


@pytest.fixture(scope="session")
def killer() -> Iterator[Killer]:
    """A process that does work in children and kills them."""
    if not hasattr(tracing.os, "fork"):
        pytest.skip("needs a system with fork and SIGKILL")
    with Killer() as found:
        yield found


@pytest.fixture(scope="session")
def traced(killer: Killer) -> Killer:
    """The same, where system calls can be counted."""
    why = tracing.available()
    if why is not None:
        pytest.skip(why)
    return killer
