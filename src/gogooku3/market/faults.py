"""The classes of fault that bars can have, and what is done about each."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Policy = Literal["refuse", "quarantine"]


class Action(StrEnum):
    """How far a quarantined fault reaches."""

    ROW = "row"
    """The bar is not used."""
    CELL = "cell"
    """Only the value is not used; the rest of the bar is."""
    NOTE = "note"
    """Nothing is removed; the rows are counted."""


class Fault(StrEnum):
    """A class of fault; the value is its name in settings, reports and files."""

    UNPARSABLE = "unparsable"
    MISSING_KEY = "missing_key"
    FUTURE_DATE = "future_date"
    OUTSIDE_CALENDAR = "outside_calendar"
    NOT_A_SESSION = "not_a_session"
    BAR_AFTER_DELISTING = "bar_after_delisting"
    ALL_NULL_DAY = "all_null_day"
    NO_TRADE = "no_trade"
    NULL_PRICE = "null_price"
    NON_FINITE = "non_finite"
    NON_POSITIVE_PRICE = "non_positive_price"
    HIGH_BELOW_LOW = "high_below_low"
    OPEN_OUTSIDE_RANGE = "open_outside_range"
    CLOSE_OUTSIDE_RANGE = "close_outside_range"
    NULL_VOLUME = "null_volume"
    NEGATIVE_VOLUME = "negative_volume"
    NULL_TURNOVER = "null_turnover"
    NEGATIVE_TURNOVER = "negative_turnover"
    NULL_FACTOR = "null_factor"
    NON_POSITIVE_FACTOR = "non_positive_factor"
    DUPLICATE_IDENTICAL = "duplicate_identical"
    DUPLICATE_CONFLICTING = "duplicate_conflicting"
    ZERO_VOLUME = "zero_volume"


REFUSED_BY_DEFAULT = frozenset({Fault.FUTURE_DATE, Fault.OUTSIDE_CALENDAR, Fault.DUPLICATE_CONFLICTING})
"""Faults that say the whole source is misread or mixed up, so that dropping the rows would hide it."""

EXPECTED: dict[Fault, str] = {
    Fault.UNPARSABLE: "a date as YYYY-MM-DD or YYYYMMDD, a number with a point and no separators",
    Fault.MISSING_KEY: "a date and a code in every row",
    Fault.FUTURE_DATE: "no date after the day of the run",
    Fault.OUTSIDE_CALENDAR: "dates that the calendar's library covers",
    Fault.NOT_A_SESSION: "dates that are sessions of the calendar",
    Fault.BAR_AFTER_DELISTING: "no bar after the stock's last session in the table of delistings",
    Fault.ALL_NULL_DAY: "a price of at least one stock on every date",
    Fault.NO_TRADE: "a price; a row without any price or volume says that nothing traded",
    Fault.NULL_PRICE: "a price in every cell of a bar that traded",
    Fault.NON_FINITE: "finite numbers",
    Fault.NON_POSITIVE_PRICE: "prices above 0",
    Fault.HIGH_BELOW_LOW: "high >= low",
    Fault.OPEN_OUTSIDE_RANGE: "low <= open <= high",
    Fault.CLOSE_OUTSIDE_RANGE: "low <= close <= high",
    Fault.NULL_VOLUME: "a volume in every bar",
    Fault.NEGATIVE_VOLUME: "volume >= 0",
    Fault.NULL_TURNOVER: "a turnover in every bar, where the source has that column",
    Fault.NEGATIVE_TURNOVER: "turnover >= 0",
    Fault.NULL_FACTOR: "an adjustment factor in every bar, where the source has that column",
    Fault.NON_POSITIVE_FACTOR: "adjustment factors above 0",
    Fault.DUPLICATE_IDENTICAL: "one row per date and code",
    Fault.DUPLICATE_CONFLICTING: "one row per date and code; these rows contradict each other",
    Fault.ZERO_VOLUME: "volume above 0; the price is then a stale one",
}

_CELL_FAULTS = frozenset(
    {
        Fault.OPEN_OUTSIDE_RANGE,
        Fault.CLOSE_OUTSIDE_RANGE,
        Fault.NULL_VOLUME,
        Fault.NEGATIVE_VOLUME,
        Fault.NULL_TURNOVER,
        Fault.NEGATIVE_TURNOVER,
    }
)
_CELL_COLUMNS = frozenset({"open", "high", "low", "volume", "turnover", "sector"})
_BY_COLUMN = frozenset({Fault.UNPARSABLE, Fault.NULL_PRICE, Fault.NON_FINITE, Fault.NON_POSITIVE_PRICE})


def action_of(fault: Fault, column: str) -> Action:
    """Return how far a fault found in ``column`` reaches.

    A bar lives by its date, code, close and adjustment factor: without one of them it is removed. A fault in
    another cell takes that cell only, since a wrong open must not delete the close that two returns need.
    A range that contradicts itself (high < low) takes the whole bar. A close outside the range takes high and
    low: where vendors have such bars, the next close agrees with the close and not with the range, which is
    stale or lacks the closing auction.
    """
    if fault is Fault.ZERO_VOLUME:
        return Action.NOTE
    if fault in _CELL_FAULTS or (fault in _BY_COLUMN and column in _CELL_COLUMNS):
        return Action.CELL
    return Action.ROW


def cells_of(fault: Fault, column: str) -> tuple[str, ...]:
    """Return the columns that a cell fault found in ``column`` makes null."""
    return ("high", "low") if fault is Fault.CLOSE_OUTSIDE_RANGE else (column,)
