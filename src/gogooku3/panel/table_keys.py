"""The (date, code) of each row of a long table."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from gogooku3.errors import PanelError

_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


def table_keys(frame: pl.DataFrame, roles: Mapping[str, str]) -> pl.DataFrame:
    """Return columns ``date`` (Date) and ``code`` (String), row for row.

    Raises:
        PanelError: A date or code is null or malformed, or a (date, code) stands twice.
    """
    keys = pl.DataFrame({"date": _dates(frame[roles["date"]]), "code": _codes(frame[roles["code"]])})
    doubled = keys.filter(keys.is_duplicated()).sort("date", "code")
    if len(doubled):
        first = doubled.row(0)
        raise PanelError(
            "a (date, code) stands twice",
            got=f"{len(doubled)} rows, the first of {first[0]} {first[1]}",
            expected="one row per stock and session",
            remedy="remove the duplicates; which of two rows is right cannot be guessed",
        )
    return keys


def _dates(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Date:
        return _no_null(column, column)
    if isinstance(column.dtype, pl.Datetime):
        return _no_null(column.dt.date(), column)
    if column.dtype.is_integer():
        return _no_null(column.cast(pl.String).str.to_date("%Y%m%d", strict=False), column)
    if column.dtype == pl.String:
        parsed = [column.str.strptime(pl.Datetime("us"), form, strict=False).dt.date() for form in _FORMATS]
        return _no_null(min(parsed, key=lambda dates: dates.null_count()), column)
    raise PanelError("a date column has another type", where=column.name, got=column.dtype, expected="dates")


def _codes(column: pl.Series) -> pl.Series:
    if not (column.dtype in (pl.String, pl.Categorical, pl.Enum) or column.dtype.is_integer()):
        raise PanelError(
            "a code column has another type", where=column.name, got=column.dtype, expected="text"
        )
    codes = column.cast(pl.String)
    return _no_null(codes.set(codes.str.strip_chars() == "", None), column)


def _no_null(values: pl.Series, source: pl.Series) -> pl.Series:
    if values.null_count():
        row = int(values.is_null().arg_max() or 0)
        raise PanelError(
            f"a {'date' if values.dtype == pl.Date else 'code'} is missing or malformed",
            where=f"column {source.name}, row {row + 1}",
            got=f"{source[row]!r}; {values.null_count()} such rows",
        )
    return values
