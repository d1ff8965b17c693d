"""What an engine is: something that computes one trial at a time, apart from this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Facts = Mapping[str, Any]
"""Plain data, as JSON has it."""

Report = Callable[[int, float, Facts], None]
"""Called by a trial after an epoch with its number from 1, the measure that pruning goes by, and what else to show."""

Work = Callable[[Facts, Report], Facts]
"""A trial: a function of a module, from its task and a way to report to its outcome."""

Why = Literal["error", "died", "time", "memory", "stopped"]


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A trial has finished an epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        value: The measure that pruning goes by.
        facts: What else to show: memory, rate, time.
    """

    epoch: int
    value: float
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A trial has ended well.

    Attributes:
        outcome: What it returned.
    """

    outcome: Facts


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A trial has ended otherwise.

    Attributes:
        why: ``error`` raised by the trial; its process ``died``; its ``time`` was over; it asked for more ``memory``
            than there was; it was ``stopped``.
        reason: One sentence.
        traceback: Where an error was raised; empty otherwise.
    """

    why: Why
    reason: str
    traceback: str = ""


Event = Reported | Finished | Failed


@runtime_checkable
class Job(Protocol):
    """A trial at work."""

    def next(self, timeout: float) -> Event | None:
        """Return the next event, None if there is none within ``timeout`` seconds.

        ``Finished`` or ``Failed`` comes last, exactly once; asked again, it comes again.
        """
        ...

    def stop(self) -> None:
        """End the trial and all it started, at once; nothing happens if it has ended.

        Unless it had ended before, what comes last is ``Failed`` with ``stopped``.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """Computes trials side by side; a trial that crashes, hangs or eats all memory takes nothing with it."""

    @property
    def slots(self) -> int:
        """Trials that can be at work at the same time."""
        ...

    def start(self, work: Work, task: Facts) -> Job:
        """Begin a trial in a slot of its own.

        Args:
            work: A function of a module.
            task: Its first argument.
        """
        ...

    def close(self) -> None:
        """End all trials that are at work."""
        ...
