"""Who is told how a training goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Listener(Protocol):
    """Told of every step and epoch of a training."""

    def begin(self, name: str, steps: int, done: int) -> None:
        """A training of so many steps at most begins, or goes on after those that are done."""

    def step(self, loss: float, rows: int, learning_rate: float) -> None:
        """A step over ``rows`` stock-days is done."""

    def epoch(
        self, name: str, epoch: int, loss: float, learning_rate: float, validation: Sequence[float]
    ) -> None:
        """An epoch is done: its mean loss, and the validation RankIC of each target (NaN: not watched)."""


class Quiet:
    """The listener that hears nothing."""

    def begin(self, name: str, steps: int, done: int) -> None:
        """Ignore."""

    def step(self, loss: float, rows: int, learning_rate: float) -> None:
        """Ignore."""

    def epoch(
        self, name: str, epoch: int, loss: float, learning_rate: float, validation: Sequence[float]
    ) -> None:
        """Ignore."""
