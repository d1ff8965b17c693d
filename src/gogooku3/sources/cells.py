"""From the source's cells to dates, text and numbers, keeping what cannot be read."""

from __future__ import annotations

import polars as pl

from gogooku3.errors import DataError

_DAY = r"^(\d{4})[-/]?(\d{2})[-/]?(\d{2})(?:\.0|[T ].*)?$"
_UNKNOWN = ("", "-", "n/a", "na", "nan", "none", "null")


def as_date(values: pl.Series, where: str) -> pl.Series:
    """Return dates from dates, datetimes (their own local day), or YYYY-MM-DD and YYYYMMDD as text or number.

    Raises:
        DataError: The column has a type that is no date.
    """
    if values.dtype == pl.Date:
        return values
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.date()
    if values.dtype.is_float():
        values = values.cast(pl.Int64, strict=False)
    if values.dtype.is_integer():
        values = values.cast(pl.String)
    _demand_text(values, where, "dates, or YYYY-MM-DD and YYYYMMDD as text or number")
    digits = values.cast(pl.String).str.strip_chars().str.replace(_DAY, "$1$2$3")
    return digits.str.to_date("%Y%m%d", strict=False)


def as_text(values: pl.Series, where: str) -> pl.Series:
    """Return codes or labels as text; whole numbers become their digits.

    Raises:
        DataError: The column has another type, such as floating point, which has already lost what it said.
    """
    if values.dtype.is_integer():
        values = values.cast(pl.String)
    _demand_text(values, where, "text")
    return values.cast(pl.String).str.strip_chars()


def as_label(values: pl.Series, where: str) -> pl.Series:
    """Return labels as text, null where the source's label says that it is unknown.

    Raises:
        DataError: The column is no text.
    """
    text = as_text(values, where)
    unknown = text.str.to_lowercase().is_in(list(_UNKNOWN))
    return text.set(unknown.fill_null(value=False), None)


def as_number(values: pl.Series, where: str) -> pl.Series:
    """Return Float64, null where a text is no number.

    Raises:
        DataError: The column has a type that is no number.
    """
    if values.dtype.is_numeric():
        return values.cast(pl.Float64)
    if values.dtype == pl.Null:
        return values.cast(pl.Float64)
    _demand_text(values, where, "numbers")
    return values.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)


def unparsed(raw: pl.Series, parsed: pl.Series, column: str) -> pl.DataFrame:
    """Return the cells that hold something and were not understood: ``source_row``, ``column``, ``value``."""
    lost = raw.is_not_null() & parsed.is_null()
    rows = lost.arg_true()
    value = raw.gather(rows).cast(pl.String)
    table = pl.DataFrame(
        {
            "source_row": (rows + 1).cast(pl.UInt32),
            "column": pl.repeat(column, len(rows), eager=True),
            "value": value,
        },
        schema={"source_row": pl.UInt32, "column": pl.String, "value": pl.String},
    )
    return table.filter(pl.col("value").str.strip_chars() != "")


def _demand_text(values: pl.Series, where: str, expected: str) -> None:
    if not isinstance(values.dtype, pl.String | pl.Categorical | pl.Enum | pl.Null):
        raise DataError(
            "a column has the wrong type",
            where=f"{where}, column {values.name}",
            got=values.dtype,
            expected=expected,
            remedy="store codes as text: a number has lost its leading zeros" if expected == "text" else None,
        )
