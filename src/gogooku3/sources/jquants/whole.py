"""Whether an answer is a whole day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from statistics import median

import polars as pl

from gogooku3.errors import DataError
from gogooku3.sources.jquants.clock import TOKYO
from gogooku3.sources.jquants.endpoints import Endpoint
from gogooku3.sources.jquants.entry import Entry
from gogooku3.sources.jquants.store import parts

_SETTLED = dt.timedelta(days=30)
"""After this time a session without rows is taken to have none, where an endpoint can have none."""
_BEFORE = 20
_LOST = 0.05
"""Share of a stored day's rows that may be gone when it is fetched again."""
_FEW = 3
"""Rows that may be gone of a small day."""
_USUAL = 0.95
"""A day with a smaller share of the usual rows may be still under way."""
_FINAL = dt.time(1, 0)
"""Statements of a day are final at half past midnight, in Tokyo (https://jpx-jquants.com/en/spec/data-update)."""


def is_published(
    endpoint: Endpoint, day: dt.date, table: pl.DataFrame, *, session: bool, today: dt.date
) -> bool:
    """Return whether an answer is a day, rather than nothing yet.

    Args:
        endpoint: What was asked.
        day: For which day.
        table: All its rows.
        session: Whether the exchange was open.
        today: When it was asked.
    """
    settled = today - day > _SETTLED
    if table.is_empty():
        return not session or (settled and not endpoint.dense)
    return settled or not parts(endpoint, table)[endpoint.name].is_empty()


def is_provisional(endpoint: Endpoint, entry: Entry, now: dt.datetime) -> bool:
    """Return whether rows may have come to a day since it was last looked at.

    Statements are final after midnight; a day that was looked at in the future was judged by a wrong clock.
    """
    if entry.checked_at > now:
        return True
    final = dt.datetime.combine(entry.day + dt.timedelta(days=1), _FINAL, tzinfo=TOKYO)
    return endpoint.days == "all" and entry.checked_at < final


def is_thin(endpoint: Endpoint, day: dt.date, entries: Mapping[dt.date, Entry]) -> bool:
    """Return whether a stored day has clearly fewer rows than those before it."""
    usual = _usual(endpoint, day, entries) if endpoint.steady else None
    return usual is not None and _rows(endpoint, entries[day]) < _USUAL * usual


def refuse_half(
    endpoint: Endpoint,
    day: dt.date,
    table: pl.DataFrame,
    entries: Mapping[dt.date, Entry],
    least_share: float,
) -> None:
    """Refuse a day with far fewer rows than those before it, or than it had before.

    Args:
        endpoint: What was asked.
        day: For which day.
        table: All its rows.
        entries: The stored days.
        least_share: Of the median of the last 20 stored days.

    Raises:
        DataError: It is not whole.
    """
    height = parts(endpoint, table)[endpoint.name].height
    had = _rows(endpoint, entries[day]) if day in entries else 0
    if had and (not height or (endpoint.steady and had - height > max(_FEW, _LOST * had))):
        raise DataError(
            "a day is not whole",
            where=f"{endpoint.path} {day}",
            got=f"{height} rows",
            expected=f"about {had} rows, as before",
            remedy=f"fetch again later; if they were taken back indeed, remove {endpoint.name}/{day}.parquet from the "
            "store, and the day is fetched anew",
        )
    usual = _usual(endpoint, day, entries) if endpoint.steady and height else None
    if usual is not None and height < least_share * usual:
        raise DataError(
            "a day is not whole",
            where=f"{endpoint.path} {day}",
            got=f"{height} rows",
            expected=f"{least_share:.0%} of {usual:.0f} rows, the median of the days before",
            remedy="fetch again later, or lower jquants.least_share if the exchange did change",
        )


def _usual(endpoint: Endpoint, day: dt.date, entries: Mapping[dt.date, Entry]) -> float | None:
    days = sorted(one for one in entries if one < day and entries[one].files)
    counts = [_rows(endpoint, entries[one]) for one in days[-_BEFORE:]]
    return float(median(counts)) if counts else None


def _rows(endpoint: Endpoint, entry: Entry) -> int:
    """Return the rows of a day in the endpoint's own folder: of bars those that traded."""
    return sum(part.rows for name, part in entry.files.items() if name.startswith(f"{endpoint.name}/"))
