"""The (date, code) of each row of a long table."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from gogooku3.errors import PanelError
from gogooku3.sources.cells import as_date, as_text


def table_keys(frame: pl.DataFrame, roles: Mapping[str, str]) -> pl.DataFrame:
    """Return columns ``date`` (Date) and ``code`` (String), row for row.

    Raises:
        DataError: A column has a type that is no date or no text.
        PanelError: A date or code is null or malformed, or a (date, code) stands twice.
    """
    date, code = frame[roles["date"]], frame[roles["code"]]
    texts = as_text(code, "the table")
    keys = pl.DataFrame(
        {
            "date": _no_null(as_date(date, "the table"), date),
            "code": _no_null(texts.set(texts == "", None), code),
        }
    )
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


def _no_null(values: pl.Series, source: pl.Series) -> pl.Series:
    if values.null_count():
        row = int(values.is_null().arg_max() or 0)
        raise PanelError(
            f"a {'date' if values.dtype == pl.Date else 'code'} is missing or malformed",
            where=f"column {source.name}, row {row + 1}",
            got=f"{source[row]!r}; {values.null_count()} such rows",
        )
    return values
