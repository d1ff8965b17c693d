"""From which session on something that was published may be used."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float64

from gogooku3.errors import DataError
from gogooku3.market.calendar import close_minutes, sessions_between

_Days = np.ndarray
_Minutes = Float64[np.ndarray, " R"]


def usable_sessions(calendar: str, days: _Days, minutes: _Minutes) -> _Days:
    """Return the first session at whose close each publication was public, datetime64[D] [R].

    What is published at the minute of the close or later belongs to the next session, as does what has no time. The
    close is that of the day: in Tokyo 15:00, from 2024-11-05 on 15:30.

    Args:
        calendar: Code of the exchange calendar.
        days: Day of publication in the exchange's time, datetime64[D] [R].
        minutes: Minutes since its midnight, NaN where not known, [R].

    Raises:
        DataError: The calendar does not reach the days.
    """
    if not days.size:
        return days
    sessions = _from(calendar, days)
    place = np.searchsorted(sessions, days)
    close = close_minutes(calendar, sessions)[np.minimum(place, len(sessions) - 1)]
    missed = (sessions[np.minimum(place, len(sessions) - 1)] == days) & ~(minutes < close)
    return _at(sessions, place + missed, calendar)


def weekly_sessions(calendar: str, days: _Days, *, published: int = 2) -> _Days:
    """Return the first session at whose close a weekly balance was public, datetime64[D] [R].

    Balances as of a week are published after the close of the second session of the week after it.

    Args:
        calendar: Code of the exchange calendar.
        days: Days of the balances, datetime64[D] [R].
        published: Session of the following week after whose close it is published.

    Raises:
        DataError: The calendar does not reach the days.
    """
    if not days.size:
        return days
    sessions = _from(calendar, days)
    monday = days - (days.astype(np.int64) + 3) % 7 + 7  # 1970-01-01 was a Thursday
    return _at(sessions, np.searchsorted(sessions, monday) + published, calendar)


def later_sessions(calendar: str, days: _Days, count: int) -> _Days:
    """Return the ``count``-th session after each day, datetime64[D] [R].

    Raises:
        DataError: The calendar does not reach the days.
    """
    if not days.size:
        return days
    sessions = _from(calendar, days)
    return _at(sessions, np.searchsorted(sessions, days, side="right") + count - 1, calendar)


def _from(calendar: str, days: _Days) -> _Days:
    return _sessions(calendar, days.min().item(), (days.max() + 40).item())


@lru_cache(maxsize=8)
def _sessions(calendar: str, first: object, last: object) -> _Days:
    return sessions_between(calendar, first, last)  # type: ignore[arg-type]  # dates, cached


def _at(sessions: _Days, place: np.ndarray, calendar: str) -> _Days:
    if (place >= len(sessions)).any():
        raise DataError("a publication lies behind the calendar's last session", where=f"calendar {calendar}")
    found: _Days = sessions[place]
    return found
