"""Daily returns of an index, from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.axes import FloatD
from gogooku3.errors import DataError
from gogooku3.sources.aliases import BARS, Aliases, match, require
from gogooku3.sources.cells import as_date, as_number, unparsed
from gogooku3.sources.tables import column_names, read_table

_ALIASES: Aliases = {"date": BARS["date"], "close": BARS["close"]}


def read_benchmark(path: Path, sessions: np.ndarray) -> FloatD:
    """Return an index's return from each session's previous one, NaN where either close is missing, [D].

    Args:
        path: CSV or Parquet with columns ``date`` and ``close``.
        sessions: datetime64[D] array, in order, [D].

    Raises:
        DataError: The file is no table, lacks a column, holds a cell that is neither date nor price, gives a date
            two closes, or shares fewer than two sessions.
    """
    columns = column_names(path)
    found = match(columns, _ALIASES, str(path))
    require(found, ["date", "close"], columns, _ALIASES, str(path))
    raw = read_table(path, list(found.values()))
    dates = as_date(raw.get_column(found["date"]), str(path))
    close = as_number(raw.get_column(found["close"]), str(path))
    lost = [unparsed(raw.get_column(found["date"]), dates, "date")]
    lost.append(unparsed(raw.get_column(found["close"]), close, "close"))
    for row, column, text in pl.concat(lost).sort("source_row").iter_rows():
        raise DataError(
            "a cell cannot be read",
            where=f"{path}, row {row}, column {column}",
            got=text,
            expected="a date as YYYY-MM-DD, a price",
        )
    frame = pl.DataFrame({"date": dates, "close": close}).filter(pl.col("date").is_not_null())
    doubled = frame.filter(pl.col("date").is_duplicated())
    if doubled.height:
        raise DataError(
            "the benchmark has two closes on a day", where=path, got=doubled["date"][0], expected="one"
        )
    known = pl.DataFrame({"date": sessions.astype("datetime64[D]")})
    level = known.join(frame, on="date", how="left", maintain_order="left")["close"].to_numpy()
    level = np.where(level > 0, level, np.nan)
    returns = np.full(len(level), np.nan)
    returns[1:] = level[1:] / level[:-1] - 1.0
    if not np.isfinite(returns).any():
        raise DataError(
            "the benchmark shares no two sessions in a row with the backtest",
            where=path,
            got=f"{frame.height} days",
            expected=f"closes from {sessions[0]} to {sessions[-1]}",
        )
    return returns
