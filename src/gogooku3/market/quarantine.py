"""The file of quarantined rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gogooku3.market.report import ValidationReport
from gogooku3.storage.atomic import atomic_path

# A spreadsheet runs a cell that begins so; the last four are the full-width forms.
_FORMULA = "^[=+\\-@\\t\\r\uff1d\uff0b\uff0d\uff20]"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def write_quarantine(report: ValidationReport, path: Path) -> None:
    """Write every faulty row in full, with its fault, file, row, column and value, as CSV.

    Text that a spreadsheet would run as a formula is preceded by an apostrophe. A report without faults gives
    a file with a header only. The file appears whole or not at all.

    Raises:
        StorageError: The file cannot be written.
    """
    text = pl.col(pl.String)
    formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    safe = report.quarantine.with_columns(
        pl.when(formula).then(pl.lit("'") + text).otherwise(text).name.keep()
    )
    with atomic_path(path) as partial:
        safe.write_csv(partial)
