"""Bars that were appended to a run, kept beside the bars it was built from.

An entry is written before the panel is changed, so that an append that was cut off is finished by the next one,
and a full build gives what the appends gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from gogooku3.errors import DataError, StorageError
from gogooku3.market.bars import Bars
from gogooku3.storage.parquet import write_parquet

KEY = ("date", "code")
NEUTRAL_FACTOR = 1.0


def journal_entries(folder: Path) -> tuple[Path, ...]:
    """Return the entries of a journal, oldest first."""
    return tuple(sorted(folder.glob("[0-9]*.parquet")))


def write_entry(folder: Path, rows: pl.DataFrame) -> Path:
    """Add an entry: rows that replace earlier ones of their date and code, or come new; a null close withdraws one.

    Raises:
        StorageError: It cannot be written.
    """
    known = journal_entries(folder)
    number = int(known[-1].stem) + 1 if known else 1
    path = folder / f"{number:06d}.parquet"
    write_parquet(rows.sort("date", "code"), path)
    return path


def read_entries(entries: Sequence[Path]) -> pl.DataFrame:
    """Return all rows of some entries, a later row in place of an earlier one of its date and code.

    Raises:
        StorageError: An entry cannot be read.
    """
    try:
        tables = [
            pl.read_parquet(path)
            .with_row_index("source_row", offset=1)
            .with_columns(source_file=pl.lit(path.name))
            for path in entries
        ]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StorageError(
            "appended bars cannot be read",
            where=entries[0].parent,
            got=error,
            remedy="remove that entry and append its bars again, or build the run anew",
        ) from error
    return pl.concat(tables, how="diagonal").unique(KEY, keep="last", maintain_order=True)


def with_journal(bars: Bars, entries: Sequence[Path]) -> Bars:
    """Return the bars with the journal's rows in place of those of the same date and code.

    Raises:
        StorageError: An entry cannot be read.
        DataError: The bars have adjustment factors, and the journal has none.
    """
    if not entries:
        return bars
    rows = read_entries(entries).with_columns(pl.col("source_file").cast(bars.frame.schema["source_file"]))
    base = bars.frame.join(rows.select(KEY), on=KEY, how="anti", maintain_order="left")
    if "adj_factor" in rows.columns and "adj_factor" not in base.columns:
        base = base.with_columns(adj_factor=pl.lit(NEUTRAL_FACTOR))
    if "adj_factor" in base.columns and "adj_factor" not in rows.columns:
        raise DataError(
            "appended bars have no adjustment factors, and those before them do", where=entries[0].parent
        )
    there = rows.filter(pl.col("close").is_not_null())
    return replace(bars, frame=pl.concat([base, there], how="diagonal_relaxed"))
