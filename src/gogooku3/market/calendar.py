"""The sessions of an exchange."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import Any

import numpy as np

from gogooku3.errors import DataError, SettingsError

_MARGIN = timedelta(days=14)


def calendar_bounds(calendar: str) -> tuple[date, date]:
    """Return the first and last date that the calendar's library can say anything about.

    Raises:
        SettingsError: The calendar is unknown.
    """
    library = _load(calendar)
    low, high = library.bound_min(), library.bound_max()
    return (date.min if low is None else low.date()), (date.max if high is None else high.date())


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
    start = max(low, first - _MARGIN) if first - date.min > _MARGIN else first
    end = min(high, last + _MARGIN) if date.max - last > _MARGIN else last
    library = _load(calendar, start=start.isoformat(), end=end.isoformat())
    days: np.ndarray = library.sessions.to_numpy().astype("datetime64[D]")
    return days[(days >= np.datetime64(first)) & (days <= np.datetime64(last))]


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
