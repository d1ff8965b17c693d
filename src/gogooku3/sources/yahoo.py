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

from gogooku3.errors import DataError, SettingsError, StorageError
from gogooku3.progress import Progress, Silent
from gogooku3.storage.parquet import write_parquet

_LOST = 0.05
"""Share of a ticker's stored days that may be lacking when they are fetched again."""
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
        DataError: No ticker has a bar, yfinance fails or answers otherwise than it did, or lacks what the file has.
        StorageError: The file cannot be read or written.
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
        found = _download(yfinance, ticker, first, last)
        if found is not None and len(found):
            tables.append(_table(found, ticker))
        progress.advance()
    if not tables:
        raise DataError(
            "Yahoo has no bar", where=", ".join(tickers), remedy="check the tickers and the dates"
        )
    whole = pl.concat(tables).sort("Date", "Code")
    _refuse_loss(path, whole, first, last)
    write_parquet(whole, path)
    have = set(whole.get_column("Code"))
    return YahooFetched(
        path=path,
        rows=whole.height,
        tickers=tuple(one for one in tickers if one in have),
        missing=tuple(one for one in tickers if one not in have),
    )


def _download(yfinance: Any, ticker: str, first: dt.date, last: dt.date | None) -> Any:
    """Return what yfinance has; its own failures, those of its HTTP library (OSError) and of answers it cannot read."""
    try:
        return yfinance.download(
            ticker,
            start=first.isoformat(),
            end=None if last is None else (last + dt.timedelta(days=1)).isoformat(),
            auto_adjust=False,
            actions=False,
            progress=False,
            threads=False,
            multi_level_index=False,
        )
    except (yfinance.exceptions.YFException, OSError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            "yfinance fails",
            where=ticker,
            got=f"{type(error).__name__}: {error}",
            remedy="try again later, or with fewer tickers; Yahoo limits how often it is asked",
        ) from error


def _refuse_loss(path: Path, now: pl.DataFrame, first: dt.date, last: dt.date | None) -> None:
    """Refuse to put an answer in place of a file that has tickers, or days of the same span, that it lacks."""
    if not path.exists():
        return
    try:
        before = pl.read_parquet(path, columns=["Date", "Code"])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StorageError(
            "a file is there that is no table of bars",
            where=path,
            got=str(error).splitlines()[0],
            remedy="name another file with --out, or remove it",
        ) from error
    span = before.filter(pl.col("Date").is_between(first, last or dt.date.max))
    gone = span.join(now, on=["Date", "Code"], how="anti").group_by("Code").len("gone")
    lost = span.group_by("Code").len("had").join(gone, on="Code")
    lacking = {*before.get_column("Code")} - {*now.get_column("Code")}
    lacking |= {*lost.filter(pl.col("gone") > _LOST * pl.col("had")).get_column("Code")}
    if lacking:
        raise DataError(
            "Yahoo answers less than the file has",
            where=path,
            got=f"bars are gone of {', '.join(sorted(lacking))}",
            expected="all tickers of the file, and their days",
            remedy="try again later; or name another file with --out, or remove this one",
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
