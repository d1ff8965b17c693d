"""The sessions of an exchange."""

from __future__ import annotations

import warnings
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import numpy as np

from gogooku3.errors import DataError, SettingsError

_EARLIEST, _LATEST = date(1900, 1, 1), date(2200, 12, 31)  # where the library itself names no bound


@lru_cache(maxsize=8)
def calendar_bounds(calendar: str) -> tuple[date, date]:
    """Return the first and last date that the calendar's library can say anything about.

    Raises:
        SettingsError: The calendar is unknown.
    """
    library = _load(calendar)
    low, high = library.bound_min(), library.bound_max()
    return (_EARLIEST if low is None else low.date()), (_LATEST if high is None else high.date())


def sessions_between(calendar: str, first: date, last: date) -> np.ndarray:
    """Return the exchange's sessions from ``first`` to ``last``, both included.

    Returns:
        datetime64[D] array of shape [D], strictly increasing; empty where no session lies between.

    Raises:
        SettingsError: The calendar is unknown.
        DataError: The calendar's library does not reach that far.
    """
    low, high = calendar_bounds(calendar)
    if first < low or last > high:
        raise DataError(
            "the calendar does not reach the data",
            where=f"calendar {calendar}",
            got=f"{first} to {last}",
            expected=f"dates from {low} to {high}",
            remedy="cut the bars to that range, or choose another calendar",
        )
    # whole years: a span without any session is refused by the library, and a calendar takes time to build
    days = _sessions(calendar, max(low, date(first.year, 1, 1)), min(high, date(last.year, 12, 31)))
    return days[(days >= np.datetime64(first)) & (days <= np.datetime64(last))]


def exchange_today(calendar: str, now: datetime) -> date:
    """Return the day that it is at the exchange.

    Args:
        calendar: Code of the exchange calendar.
        now: A moment with its time zone.

    Raises:
        SettingsError: The calendar is unknown.
    """
    return now.astimezone(_load(calendar).tz).date()


def close_minutes(calendar: str, sessions: np.ndarray) -> np.ndarray:
    """Return when each session's trading ends, minutes since midnight of the exchange's time, float64 [D].

    Raises:
        SettingsError: The calendar is unknown.
    """
    if not len(sessions):
        return np.zeros(0)
    library = _load(calendar, start=str(sessions[0]), end=str(sessions[-1] + 7))
    closes = library.closes.loc[str(sessions[0]) : str(sessions[-1])].dt.tz_convert(library.tz)
    days = closes.index.to_numpy().astype("datetime64[D]")
    minutes = (closes.dt.hour * 60 + closes.dt.minute).to_numpy(dtype=np.float64)
    found: np.ndarray = minutes[np.searchsorted(days, sessions)]
    return found


@lru_cache(maxsize=8)
def _sessions(calendar: str, first: date, last: date) -> np.ndarray:
    library = _load(calendar, start=first.isoformat(), end=last.isoformat())
    days: np.ndarray = library.sessions.to_numpy().astype("datetime64[D]")
    days.flags.writeable = False
    return days


def _load(calendar: str, **span: str) -> Any:  # exchange_calendars is untyped
    import exchange_calendars
    from exchange_calendars.errors import InvalidCalendarName

    try:
        with warnings.catch_warnings():
            # exchange_calendars meets deprecations of pandas that its user cannot mend
            warnings.simplefilter("ignore")
            return exchange_calendars.get_calendar(calendar, **span)
    except InvalidCalendarName as error:
        raise SettingsError(
            "the exchange calendar is unknown",
            where="setting market.calendar",
            got=calendar,
            expected="a code of exchange_calendars, such as XTKS, XNYS, XLON, XHKG",
            remedy="take the ISO 10383 code of the exchange (NASDAQ keeps the sessions of XNYS)",
        ) from error
