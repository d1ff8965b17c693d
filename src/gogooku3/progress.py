"""How long work tells how far it is; only the command line shows it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """A listener to long work: one task at a time, counted in ``unit``."""

    def start(self, task: str, total: int, unit: str) -> None:
        """Begin a task of ``total`` units."""

    def advance(self, units: int = 1) -> None:
        """Count units done."""

    def note(self, text: str) -> None:
        """Tell the user one sentence."""


class Silent:
    """The listener that shows nothing."""

    def start(self, task: str, total: int, unit: str) -> None:
        """Ignore."""

    def advance(self, units: int = 1) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""
