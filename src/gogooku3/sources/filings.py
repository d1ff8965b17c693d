"""Tables that are published about stocks: statements, margin balances, short selling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.errors import DataError
from gogooku3.sources.aliases import Aliases, match, require
from gogooku3.sources.cells import as_date, as_number, as_text
from gogooku3.sources.tables import column_names, read_table, suffix_of

STATEMENTS: Aliases = {
    "code": ("code", "ticker", "symbol"),
    "date": ("date", "discdate", "disclosed_date"),
    "time": ("time", "disctime", "disclosed_time"),
    "number": ("number", "discno", "disclosure_number"),
    "period": ("period", "curpertype", "type_of_current_period"),
    "period_end": ("period_end", "curperen"),
    "year_end": ("year_end", "curfyen"),
    "sales": ("sales", "net_sales"),
    "operating_profit": ("operating_profit", "op"),
    "profit": ("profit", "np", "net_profit"),
    "assets": ("assets", "ta", "total_assets"),
    "equity": ("equity", "eq"),
    "operating_cash_flow": ("operating_cash_flow", "cfo"),
    "forecast_sales": ("forecast_sales", "fsales"),
    "forecast_operating_profit": ("forecast_operating_profit", "fop"),
    "forecast_profit": ("forecast_profit", "fnp"),
    "next_sales": ("next_sales", "nxfsales"),
    "next_operating_profit": ("next_operating_profit", "nxfop"),
    "next_profit": ("next_profit", "nxfnp"),
    "dividend": ("dividend", "divann"),
    "forecast_dividend": ("forecast_dividend", "fdivann"),
    "shares": ("shares", "shoutfy"),
    "treasury_shares": ("treasury_shares", "trshfy"),
}
MARGIN: Aliases = {
    "code": ("code", "ticker", "symbol"),
    "date": ("date",),
    "published": ("published", "pubdate"),
    "short": ("short", "shrtvol"),
    "long": ("long", "longvol"),
    "long_negotiable": ("long_negotiable", "longnegvol"),
}
SHORT_SELLING: Aliases = {
    "sector": ("sector", "s33nm"),
    "date": ("date",),
    "long": ("long", "sellexshortva"),
    "short_restricted": ("short_restricted", "shrtwithresva"),
    "short_unrestricted": ("short_unrestricted", "shrtnoresva"),
}
"""Canonical name to what vendors write, in lower case; the second is that of J-Quants V2."""

_DATES = frozenset({"date", "published", "period_end", "year_end"})
_TEXT = frozenset({"code", "sector", "time", "number", "period"})
_UNKNOWN = ("", "-", "*", "－", "＊")  # noqa: RUF001 (full-width signs of Japanese tables)
_NEEDED = {
    "statements": ("code", "date", "time", "period", "year_end"),
    "margin": ("code", "date", "short", "long"),
    "short_selling": ("sector", "date", "long", "short_restricted", "short_unrestricted"),
}


def read_statements(place: Path) -> pl.DataFrame:
    """Return disclosures in canonical form, one row each: dates, text, and Float64 for amounts, null where not given.

    Raises:
        DataError: A file is no table, lacks a column, or holds a cell that cannot be read.
    """
    return _read(place, "statements", STATEMENTS)


def read_margin(place: Path) -> pl.DataFrame:
    """Return margin balances: ``code``, ``date`` of the balance, ``published``, shares ``short`` and ``long``.

    Raises:
        DataError: A file is no table, lacks a column, or holds a cell that cannot be read.
    """
    return _read(place, "margin", MARGIN)


def read_short_selling(place: Path) -> pl.DataFrame:
    """Return value sold by sector and day: long sales, and short sales with and without price restriction.

    Raises:
        DataError: A file is no table, lacks a column, or holds a cell that cannot be read.
    """
    return _read(place, "short_selling", SHORT_SELLING)


def filing_files(place: Path) -> list[Path]:
    """Return the tables at a place, a file or a folder.

    Raises:
        DataError: There is none.
    """
    if not place.is_dir():
        return [place]
    files = [path for path in sorted(place.iterdir()) if suffix_of(path) and not path.name.startswith(".")]
    if not files:
        raise DataError(
            "the folder holds no tables", where=place, expected="files such as 2024-05-01.parquet"
        )
    return files


def _read(place: Path, kind: str, aliases: Aliases) -> pl.DataFrame:
    files = filing_files(place)
    parts = [_named(path, _NEEDED[kind], aliases) for path in files]
    try:
        raw = pl.concat(parts, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise DataError("files of one folder have other types", where=place, got=error) from error
    ends = np.cumsum([part.height for part in parts])

    def where(row: int) -> str:
        number = int(np.searchsorted(ends, row, side="right"))
        return f"{files[number]}, row {row - int(ends[number]) + parts[number].height + 1}"

    return pl.DataFrame([_cells(raw.get_column(name), where) for name in raw.columns])


def _named(path: Path, needed: Sequence[str], aliases: Aliases) -> pl.DataFrame:
    """Return the known columns of a file under their canonical names, as they are."""
    columns = column_names(path)
    found = match(columns, aliases, str(path))
    require(found, needed, columns, aliases, str(path))
    raw = read_table(path, list(found.values()))
    return raw.rename({own: name for name, own in found.items()}).select(list(found))


def _cells(raw: pl.Series, where: Callable[[int], str]) -> pl.Series:
    name = raw.name
    if raw.dtype == pl.String:
        raw = raw.set(raw.str.strip_chars().is_in(_UNKNOWN).fill_null(value=False), None)
    if raw.null_count() == len(raw):
        kind = pl.Date() if name in _DATES else pl.String() if name in _TEXT else pl.Float64()
        return pl.Series(name, [None] * len(raw), dtype=kind)
    read = as_date if name in _DATES else as_text if name in _TEXT else as_number
    values = read(raw, where(0)).alias(name)
    lost = (raw.is_not_null() & values.is_null()).arg_true()
    if len(lost):
        raise DataError(
            "a cell cannot be read",
            where=f"{where(int(lost[0]))}, column {name}",
            got=raw[int(lost[0])],
            expected="a date as YYYY-MM-DD" if name in _DATES else "a number",
        )
    return values
