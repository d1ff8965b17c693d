"""From the rows of an answer to a table of known columns; what does not fit is refused."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence

import polars as pl

from gogooku3.errors import DataError
from gogooku3.sources.jquants.client import Row
from gogooku3.sources.jquants.endpoints import Endpoint, Kind

_MISSING = ("", "-", "*")
"""What the server writes where nothing is disclosed or applies."""
_TYPES: dict[Kind, type[pl.DataType]] = {
    "code": pl.String,
    "text": pl.String,
    "date": pl.Date,
    "number": pl.Float64,
}


def schema(endpoint: Endpoint) -> dict[str, type[pl.DataType]]:
    """Return the columns of an endpoint's tables, in order."""
    return {name: _TYPES[kind] for name, kind in endpoint.fields.items()}


def as_table(endpoint: Endpoint, rows: Sequence[Row], where: str) -> pl.DataFrame:
    """Return rows as a table, sorted by day and key; fields that are not known are left out.

    Args:
        endpoint: What was asked.
        rows: As the server sent them.
        where: The query, for errors.

    Raises:
        DataError: A required field is missing, a value is not of its kind, or two rows have one key.
    """
    columns: dict[str, list[object]] = {}
    for name, kind in endpoint.fields.items():
        read = _READ[kind]
        required = name in endpoint.required
        columns[name] = [_value(row, name, read, required, where) for row in rows]
    table = pl.DataFrame(columns, schema=schema(endpoint))
    key = list(dict.fromkeys([endpoint.day, *endpoint.key]))
    if any(table.get_column(name).null_count() for name in key):
        unnamed = table.filter(pl.any_horizontal(pl.col(key).is_null())).row(0, named=True)
        raise DataError("a row has no key", where=where, got=unnamed, expected=", ".join(key))
    doubled = table.select(key).is_duplicated()
    if doubled.any():
        raise DataError(
            "two rows have one key",
            where=where,
            got=" ".join(str(value) for value in table.filter(doubled).select(key).row(0)),
            expected=f"one row for each {', '.join(key)}",
        )
    return table.sort(key)


def check_day(endpoint: Endpoint, table: pl.DataFrame, day: dt.date) -> None:
    """Refuse rows of another day than the one that was asked for.

    Raises:
        DataError: There is one.
    """
    days = table.get_column(endpoint.day)
    other = days.filter(days != day)
    if len(other):
        raise DataError(
            "an answer is of another day",
            where=f"{endpoint.path} {day}, field {endpoint.day}",
            got=f"{len(other)} rows of {other[0]}",
            expected=day,
        )


def absent(endpoint: Endpoint, rows: Sequence[Row]) -> frozenset[str]:
    """Return the optional fields that no row has."""
    return frozenset(name for name in endpoint.optional if not any(name in row for row in rows))


def _value(row: Row, name: str, read: Callable[[object], object], required: bool, where: str) -> object:
    if name not in row:
        if not required:
            return None
        raise DataError(
            f"an answer lacks a field: {name}",
            where=f"{where}, field {name}",
            got=f"fields {', '.join(sorted(row))}"[:300],
            expected="the fields of the API V2",
        )
    value = row[name]
    if value is None or (isinstance(value, str) and value.strip() in _MISSING):
        return None
    try:
        return read(value)
    except (TypeError, ValueError) as error:
        raise DataError(
            "a field of an answer cannot be read",
            where=f"{where}, field {name}",
            got=repr(value)[:80],
            expected=str(error),
        ) from None


def _code(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text: a number has lost its leading zeros")
    return value.strip()


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise TypeError("text")
    return str(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError("a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("a number") from None
    if not math.isfinite(number):
        raise ValueError("a finite number")
    return number


def _date(value: object) -> dt.date:
    if not isinstance(value, str):
        raise TypeError("a date as YYYY-MM-DD")
    try:
        return dt.datetime.strptime(value.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a day of the exchange
    except ValueError:
        raise ValueError("a date as YYYY-MM-DD") from None


_READ: dict[Kind, Callable[[object], object]] = {
    "code": _code,
    "text": _text,
    "number": _number,
    "date": _date,
}
