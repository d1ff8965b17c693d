"""Daily bars from Yahoo Finance by the package yfinance, for people without a contract.

Yahoo's terms of use allow personal use only (https://legal.yahoo.com/us/en/yahoo/terms/otos/index.html); yfinance is
neither made nor approved by Yahoo. Its prices are adjusted for splits up to the day of the fetch, and stocks that have
ended are missing, so that results on them are too good.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gogooku3.errors import DataError, SettingsError
from gogooku3.progress import Progress, Silent
from gogooku3.storage.parquet import write_parquet

_COLUMNS = ("Open", "High", "Low", "Close", "Adj Close", "Volume")


@dataclass(frozen=True, kw_only=True)
class YahooFetched:
    """What came.

    Attributes:
        path: The file.
        rows: In it.
        tickers: That have bars.
        missing: That have none.
    """

    path: Path
    rows: int
    tickers: tuple[str, ...]
    missing: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "path": str(self.path),
            "rows": self.rows,
            "tickers": list(self.tickers),
            "missing": list(self.missing),
        }


def fetch_yahoo(
    tickers: Sequence[str],
    first: dt.date,
    last: dt.date | None,
    path: Path,
    *,
    progress: Progress | None = None,
) -> YahooFetched:
    """Write daily bars of some tickers as one table: ``Date``, ``Code``, Open to Close, ``Adj Close``, ``Volume``.

    Args:
        tickers: As Yahoo writes them, such as ``7203.T``.
        first: The first day.
        last: The last day, itself included; all there is if not given.
        path: A Parquet file, replaced in one step.
        progress: Told how far it is.

    Raises:
        SettingsError: The extra ``yahoo`` is not installed.
        DataError: No ticker has a bar, or yfinance answers otherwise than it did.
        StorageError: The file cannot be written.
    """
    try:
        import yfinance
    except ImportError as error:
        raise SettingsError(
            "yfinance is not installed", got=error, remedy="pip install 'gogooku3[yahoo]'"
        ) from error
    progress = progress or Silent()
    progress.start("Yahoo", len(tickers), "tickers")
    tables = []
    for ticker in tickers:
        found = yfinance.download(
            ticker,
            start=first.isoformat(),
            end=None if last is None else (last + dt.timedelta(days=1)).isoformat(),
            auto_adjust=False,
            actions=False,
            progress=False,
            threads=False,
            multi_level_index=False,
        )
        if found is not None and len(found):
            tables.append(_table(found, ticker))
        progress.advance()
    if not tables:
        raise DataError(
            "Yahoo has no bar", where=", ".join(tickers), remedy="check the tickers and the dates"
        )
    whole = pl.concat(tables).sort("Date", "Code")
    write_parquet(whole, path)
    have = set(whole.get_column("Code"))
    return YahooFetched(
        path=path,
        rows=whole.height,
        tickers=tuple(one for one in tickers if one in have),
        missing=tuple(one for one in tickers if one not in have),
    )


def _table(found: Any, ticker: str) -> pl.DataFrame:
    """Return the bars of a ticker from pandas' frame, without those that have no close."""
    lacking = [name for name in _COLUMNS if name not in found.columns]
    if lacking:
        raise DataError(
            "yfinance answers without a column", where=ticker, got=list(found.columns), expected=lacking
        )
    days = [stamp.date() for stamp in found.index]
    values = {name: [float(value) for value in found[name]] for name in _COLUMNS}
    table = pl.DataFrame({"Date": days, "Code": [ticker] * len(days), **values}).fill_nan(None)
    return table.filter(pl.col("Close").is_not_null())
