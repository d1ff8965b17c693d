"""Tables as they lie in files: nothing inferred, nothing renamed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import polars as pl

from gogooku3.errors import DataError

Result = TypeVar("Result")
SUFFIXES = (".parquet", ".csv", ".csv.gz")


def suffix_of(path: Path) -> str | None:
    """Return which kind of table a file is, by its name; None where it is none."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)


def column_names(path: Path) -> list[str]:
    """Return the columns of a table.

    Raises:
        DataError: The file is no table, or its header is ambiguous.
    """
    if suffix_of(path) == ".parquet":
        return list(_guarded(path, lambda: pl.read_parquet_schema(path)))
    header = _guarded(path, lambda: pl.read_csv(path, has_header=False, n_rows=1, infer_schema=False))
    names = ["" if name is None else str(name) for name in header.row(0)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(
            "two columns have one name", where=path, got=", ".join(doubled), expected="distinct names"
        )
    return names


def read_table(
    path: Path, columns: list[str] | None = None, *, text: Collection[str] | None = None
) -> pl.DataFrame:
    """Return a table.

    Args:
        path: The file.
        columns: Columns wanted, None for all.
        text: Columns of a CSV file that are text, whatever they look like; the others have the type of all
            their cells. None for all columns.

    Raises:
        DataError: The file is no table, or has no row.
    """
    if suffix_of(path) == ".parquet":
        frame = _guarded(path, lambda: pl.read_parquet(path, columns=columns))
    else:
        types = {name: pl.String() for name in text or ()}
        frame = _guarded(
            path,
            lambda: pl.read_csv(
                path,
                columns=columns,
                infer_schema=text is not None,
                infer_schema_length=None,
                schema_overrides=types,
            ),
        )
    if frame.is_empty():
        raise _empty(path)
    return frame


def _guarded(path: Path, read: Callable[[], Result]) -> Result:
    if suffix_of(path) is None:
        raise DataError(
            "a file is no table", where=path, got=path.suffix or "no suffix", expected=", ".join(SUFFIXES)
        )
    try:
        if path.stat().st_size == 0:
            raise _empty(path)
        return read()
    except FileNotFoundError as error:
        raise DataError("a file does not exist", where=path, remedy="check the path") from error
    except pl.exceptions.NoDataError as error:
        raise _empty(path) from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            "a file cannot be read as a table",
            where=path,
            got=str(error).splitlines()[0],
            expected="Parquet, or CSV in UTF-8 with commas, a header and as many cells in every row",
        ) from error


def _empty(path: Path) -> DataError:
    return DataError("a table has no row", where=path, got="an empty file", expected="at least one row")
