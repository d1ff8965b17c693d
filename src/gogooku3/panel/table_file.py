"""Read a long table, its codes as text."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gogooku3.errors import PanelError
from gogooku3.panel.table_columns import find_roles


def read_table(path: Path) -> pl.DataFrame:
    """Read a Parquet or CSV file with Date and Code columns.

    Raises:
        PanelError: The file is absent, empty, of another kind or cannot be parsed.
    """
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise PanelError("a table is of an unknown kind", where=path, got=suffix, expected=".parquet or .csv")
    try:
        frame = _read_csv(path) if suffix == ".csv" else pl.read_parquet(path)
    except pl.exceptions.NoDataError as error:
        raise PanelError("a table is empty", where=path) from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise PanelError("a table cannot be read", where=path, got=error) from error
    if frame.is_empty():
        raise PanelError("a table has no rows", where=path, expected="at least one row")
    return frame


def _read_csv(path: Path) -> pl.DataFrame:
    names = pl.read_csv(path, n_rows=0, infer_schema=False).columns
    roles = find_roles(names)
    text = {roles[role]: pl.String() for role in ("date", "code", "name", "sector") if role in roles}
    return pl.read_csv(path, schema_overrides=text, infer_schema_length=None)
