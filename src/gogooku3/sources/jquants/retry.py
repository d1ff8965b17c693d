"""When a request is made again, and after how long."""

from __future__ import annotations

import datetime as dt
import random
from email.utils import parsedate_to_datetime

from gogooku3.errors import DataError

_BLOCKED, _BLOCKED_AT_MOST = 60.0, 300.0
"""After 429: the official advice is a minute; a large excess blocks for about five."""
_BACKOFF, _BACKOFF_AT_MOST = 1.0, 60.0
_HINT_AT_MOST = 3600.0


class Again(Exception):  # noqa: N818 - it says what to do, and never reaches a caller
    """A request failed in a way that may pass.

    Args:
        error: What the caller is told, should it not pass.
        blocked: Whether the server said that there were too many requests.
        hint: Seconds that the server asked to wait for.
    """

    def __init__(self, error: DataError, *, blocked: bool = False, hint: float | None = None) -> None:
        super().__init__(error.what)
        self.error = error
        self.blocked = blocked
        self.hint = hint


class Waits:
    """The waits between the attempts of one request.

    Args:
        rng: Makes the jitter.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = {True: 0, False: 0}

    def after(self, again: Again) -> float:
        """Return seconds: the server's hint, else a minute that doubles, else a second that doubles, with jitter."""
        before = self._failures[again.blocked]
        self._failures[again.blocked] += 1
        if again.hint is not None:
            return again.hint
        if again.blocked:
            return min(_BLOCKED_AT_MOST, _BLOCKED * 2.0**before)
        return min(_BACKOFF_AT_MOST, _BACKOFF * 2.0**before * (1 + self._rng.random()))


def hinted(retry_after: str | None, now: dt.datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, None where it asks for nothing sensible."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        off = behind(retry_after, now)
        if off is None:
            return None
        seconds = off.total_seconds()
    return min(seconds, _HINT_AT_MOST) if seconds >= 0 else None


def behind(date: str | None, now: dt.datetime) -> dt.timedelta | None:
    """Return how far ``now`` is behind a date as HTTP writes it, None where it is none."""
    try:
        return None if date is None else parsedate_to_datetime(date) - now
    except (TypeError, ValueError):  # no date, or one without a zone
        return None
