"""What a trial in a local process may take."""

from __future__ import annotations

from dataclasses import dataclass

from gogooku3.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class LocalLimits:
    """What a trial in a local process may take; None for what is not limited.

    Attributes:
        seconds: Of a trial.
        quiet_seconds: Without a report, from the start or from the one before.
        memory_mb: Data that its process may hold, in MB.
        grace: Seconds in which a process that is told to end may do so before it is killed.

    Raises:
        SettingsError: A limit is not above 0.
    """

    seconds: float | None = None
    quiet_seconds: float | None = None
    memory_mb: int | None = None
    grace: float = 5.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not value > 0:
                raise SettingsError(
                    "a limit of trials is not above 0", where=name, got=value, expected="above 0"
                )

    def over(self, *, elapsed: float, quiet: float) -> str | None:
        """Say which limit of time is over.

        Args:
            elapsed: Seconds since the start.
            quiet: Seconds since the last report, or since the start.
        """
        if self.seconds is not None and elapsed > self.seconds:
            return f"it took longer than the {self.seconds:g} s that a trial may take"
        if self.quiet_seconds is not None and quiet > self.quiet_seconds:
            return f"it reported nothing for {self.quiet_seconds:g} s"
        return None
