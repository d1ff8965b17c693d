"""Time, as the client sees it; tests put their own in its place."""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol

from gogooku3.errors import DataError

TOKYO = dt.timezone(dt.timedelta(hours=9), "JST")
_TOLERATED = dt.timedelta(minutes=10)


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


def refuse_wrong_clock(off: dt.timedelta | None) -> None:
    """Refuse to judge by this computer's clock what is published, fresh or settled.

    Args:
        off: How far it is behind the server's; None if the server did not say.

    Raises:
        DataError: They are more than ten minutes apart.
    """
    if off is not None and abs(off) > _TOLERATED:
        raise DataError(
            "the clock of this computer is wrong",
            got=f"{off} behind the server's" if off > dt.timedelta(0) else f"{-off} ahead of the server's",
            expected=f"less than {_TOLERATED // dt.timedelta(minutes=1)} minutes",
            remedy="set the clock; nothing was stored",
        )
