"""Time, as the client sees it; tests put their own in its place."""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol

TOKYO = dt.timezone(dt.timedelta(hours=9), "JST")


class Clock(Protocol):
    """What tells the time and waits."""

    def now(self) -> dt.datetime:
        """Return the present moment in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The computer's own clock."""

    def now(self) -> dt.datetime:
        """Return the present moment in UTC."""
        return dt.datetime.now(tz=dt.UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def today_in_tokyo(clock: Clock) -> dt.date:
    """Return the date in Tokyo."""
    return clock.now().astimezone(TOKYO).date()
