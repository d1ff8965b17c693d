"""A CSV file that a spreadsheet can open without running anything."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import polars.selectors as cs

from gogooku3.storage.atomic import atomic_path

# A spreadsheet runs a cell that begins so; the coded characters are the full-width and small forms of = + - @, which
# some spreadsheets fold into them. Blanks and invisible characters may be trimmed on import.
_FORMULA = r"^(?:[\t\r\n]|[\s\p{Cc}\p{Cf}]*[=+@\uFF1D\uFF0B\uFF0D\uFF20\uFE66\uFE62\uFE63\uFE6B-])"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as CSV, whole or not at all, with an apostrophe before text that would run as a formula.

    That is text, column names included, that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break, also
    in full-width or small form or after blanks and invisible characters, unless it is a plain number. All other
    text is unchanged.

    Args:
        frame: The table; a frame without rows gives a header only.
        path: The file, replaced in one step.

    Raises:
        StorageError: The file cannot be written.

    Source: OWASP, "CSV Injection".
    """
    header = pl.DataFrame([[name] for name in frame.columns], orient="col")
    text = cs.string() | cs.categorical() | cs.enum()
    with atomic_path(path) as partial, partial.open("wb") as file:
        if frame.width:
            header.select(_harmless(pl.all())).write_csv(file, include_header=False)
        frame.with_columns(_harmless(text.cast(pl.String))).write_csv(file, include_header=False)


def _harmless(text: pl.Expr) -> pl.Expr:
    formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(formula).then(pl.lit("'") + text).otherwise(text).name.keep()
