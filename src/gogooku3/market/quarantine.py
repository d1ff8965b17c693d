"""The file of quarantined rows."""

from __future__ import annotations

from pathlib import Path

from gogooku3.market.report import ValidationReport
from gogooku3.storage.csv import write_csv


def write_quarantine(report: ValidationReport, path: Path) -> None:
    """Write every faulty row in full, with its fault, file, row, column and value, as CSV.

    Text that a spreadsheet would run as a formula is preceded by an apostrophe. A report without faults gives
    a file with a header only. The file appears whole or not at all.

    Raises:
        StorageError: The file cannot be written.
    """
    write_csv(report.quarantine, path)
