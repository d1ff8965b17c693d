from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.sources.jquants.server import JQuantsServer


@pytest.fixture
def server() -> Iterator[JQuantsServer]:
    """A server of everything, on this computer."""
    with JQuantsServer() as found:
        yield found


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    """Attempts follow each other at once; how many and how long they would wait is as always."""
    pytest.importorskip("httpx2", reason="the extra jquants is not installed")
    stamina = pytest.importorskip("stamina", reason="the extra jquants is not installed")
    with stamina.set_testing(True, attempts=50, cap=True):
        yield


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Libraries log all they can, so that a key in a log is found."""
    caplog.set_level(logging.DEBUG)


@pytest.fixture(autouse=True)
def no_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of small files need not reach the disk."""
    monkeypatch.setattr("os.fsync", lambda _: None)
