"""Which stocks can be sold short on which session, from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.axes import BoolDN
from gogooku3.errors import DataError
from gogooku3.sources.aliases import BARS, Aliases, match, require
from gogooku3.sources.cells import as_date, as_text, unparsed
from gogooku3.sources.tables import column_names, read_table

_ALIASES: Aliases = {"code": BARS["code"], "date": BARS["date"]}


def read_borrowable(path: Path, sessions: np.ndarray, codes: Sequence[str]) -> BoolDN:
    """Return True where a stock can be sold short, [D, N].

    Without dates the listed codes can be sold short throughout. With dates, all rows of one date are the whole list
    from the first session of that date or after it until the next list; before the first list nothing can.

    Args:
        path: CSV or Parquet with a column ``code`` and perhaps ``date``.
        sessions: datetime64[D] array, in order, [D].
        codes: Stock codes, length N.

    Raises:
        DataError: The file is no table, lacks the code, holds a cell that is no date, or names no known stock.
    """
    columns = column_names(path)
    found = match(columns, _ALIASES, str(path))
    require(found, ["code"], columns, _ALIASES, str(path))
    raw = read_table(path, list(found.values()))
    code = as_text(raw.get_column(found["code"]), str(path))
    place = {name: n for n, name in enumerate(codes)}
    stock = code.replace_strict(place, default=-1, return_dtype=pl.Int64).to_numpy()
    if not (stock >= 0).any():
        raise DataError(
            "the borrowable list names no stock of the run",
            where=path,
            got=", ".join(code.drop_nulls().unique().sort().head(5)),
            expected=f"codes such as {', '.join(codes[:3])}",
        )
    if "date" not in found:
        return np.tile(_listed(stock, len(codes)), (len(sessions), 1))
    return _by_date(_dates(raw.get_column(found["date"]), path), stock, sessions, len(codes))


def _dates(raw: pl.Series, path: Path) -> np.ndarray:
    dates = as_date(raw, str(path))
    for row, column, text in unparsed(raw, dates, raw.name).iter_rows():
        raise DataError(
            "a cell cannot be read",
            where=f"{path}, row {row}, column {column}",
            got=text,
            expected="a date as YYYY-MM-DD",
        )
    if dates.null_count():
        row = int(dates.is_null().arg_true()[0]) + 1
        raise DataError(
            "a row of the borrowable list has no date",
            where=f"{path}, row {row}",
            expected="a date in every row, or no column of dates",
        )
    return dates.to_numpy().astype("datetime64[D]")


def _by_date(dates: np.ndarray, stock: np.ndarray, sessions: np.ndarray, stocks: int) -> BoolDN:
    lent = np.zeros((len(sessions), stocks), dtype=np.bool_)
    days = sessions.astype("datetime64[D]")
    lists = np.unique(dates)
    first = np.searchsorted(days, lists)  # an older list than the sessions begins with the first of them
    for at, row, end in zip(lists, first, [*first[1:], len(days)], strict=True):
        lent[row:end] = _listed(stock[dates == at], stocks)
    return lent


def _listed(stock: np.ndarray, stocks: int) -> np.ndarray:
    known = np.zeros(stocks, dtype=np.bool_)
    known[stock[stock >= 0]] = True
    return known
