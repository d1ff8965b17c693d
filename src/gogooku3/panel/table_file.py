"""Read a long table, its codes as text."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gogooku3.panel.table_columns import find_roles
from gogooku3.sources import tables


def read_table(path: Path) -> pl.DataFrame:
    """Read a Parquet or CSV file (also ``.csv.gz``) with Date and Code columns.

    Raises:
        DataError: The file is absent, empty, of another kind or cannot be parsed.
        PanelError: It has no date or no code.
    """
    roles = find_roles(tables.column_names(path))
    text = [roles[role] for role in ("date", "code", "name", "sector") if role in roles]
    return tables.read_table(path, text=text)
