"""A Parquet file that is there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl

from gogooku3.storage.atomic import atomic_path


def write_parquet(
    frame: pl.DataFrame,
    path: Path,
    *,
    compression: Literal["zstd", "uncompressed"] = "zstd",
    level: int | None = None,
) -> None:
    """Write a table as Parquet.

    Args:
        frame: The table.
        path: The file, replaced in one step.
        compression: How the columns are packed.
        level: How hard; the format's usual level if not given.

    Raises:
        StorageError: The file cannot be written.
    """
    with atomic_path(path) as partial:
        try:
            frame.write_parquet(partial, compression=compression, compression_level=level)
        except pl.exceptions.ComputeError as error:  # polars calls a full disk so
            raise OSError(str(error)) from error
