"""Which days an endpoint is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from gogooku3.errors import DataError
from gogooku3.sources.jquants.endpoints import DAILY_MARGIN, Endpoint

_OPEN = frozenset({"1", "2"})
_CLOSED = frozenset({"0", "3"})


def sessions_of(calendar: pl.DataFrame, first: dt.date, last: dt.date) -> list[dt.date]:
    """Return the sessions of the cash market from the server's calendar.

    Args:
        calendar: ``Date`` and ``HolDiv``: 1 a session, 2 half a one, 0 and 3 closed.
        first: The first day wanted.
        last: The last day wanted.

    Raises:
        DataError: The calendar lacks a day, or says what is not known.
    """
    wanted = calendar.filter(pl.col("Date").is_between(first, last)).sort("Date")
    held = set(wanted.get_column("Date"))
    lacking = [day for day in _every_day(first, last) if day not in held]
    if lacking:
        raise DataError(
            "the trading calendar lacks a day",
            where="/markets/calendar",
            got=f"nothing for {lacking[0]}",
            expected=f"every day from {first} to {last}",
            remedy="give --from and --to within the range of the contract",
        )
    strange = wanted.filter(~pl.col("HolDiv").is_in(list(_OPEN | _CLOSED)).fill_null(value=False))
    if strange.height:
        raise DataError(
            "the trading calendar says what is not known",
            where=f"/markets/calendar {strange['Date'][0]}, field HolDiv",
            got=strange["HolDiv"][0],
            expected="0, 1, 2 or 3",
        )
    return wanted.filter(pl.col("HolDiv").is_in(list(_OPEN))).get_column("Date").to_list()


def days_of(endpoint: Endpoint, sessions: Sequence[dt.date], first: dt.date, last: dt.date) -> list[dt.date]:
    """Return the days that an endpoint is asked for, in order.

    Args:
        endpoint: Whose.
        sessions: Of the calendar, from ``first`` to ``last``.
        first: The first day of the fetch.
        last: The last day of the fetch.
    """
    first = max(first, endpoint.first)
    wanted = [day for day in sessions if day >= first]
    if endpoint.days == "all":
        return list(_every_day(first, last))
    if endpoint.days == "months":
        begins = [day for before, day in pairwise([None, *wanted]) if day and _month(before) != _month(day)]
        return sorted({*begins, *wanted[-1:]})
    if endpoint.days == "weeks":
        daily = [day for day in wanted if day >= DAILY_MARGIN]
        return [*_ends_of_weeks([day for day in wanted if day < DAILY_MARGIN], last), *daily]
    return wanted


def _ends_of_weeks(sessions: Sequence[dt.date], last: dt.date) -> list[dt.date]:
    """Return the last session of every week that is over."""
    ends = {day - dt.timedelta(days=day.weekday()): day for day in sessions}
    return [end for monday, end in sorted(ends.items()) if monday + dt.timedelta(days=4) <= last]


def _month(day: dt.date | None) -> tuple[int, int] | None:
    return None if day is None else (day.year, day.month)


def _every_day(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
