"""The tables beside the bars: who is listed, and who ended how."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gogooku3.errors import DataError
from gogooku3.sources.aliases import DELISTINGS, IS_STOCK, LISTING, NAMES, SECTORS, best, match, require
from gogooku3.sources.cells import as_date, as_label, as_number, as_text, unparsed
from gogooku3.sources.tables import column_names, read_table


def read_listing(path: Path) -> pl.DataFrame:
    """Return ``code``, ``name`` and ``sector``, one row a code, sorted; the last two null where not known.

    A sector label for people (``sector33``) goes before a sector code (``sector33_code``).

    Raises:
        DataError: The file is no table, lacks the code, or gives one code two names or sectors.
    """
    columns = column_names(path)
    found = match(columns, LISTING, str(path))
    require(found, ["code"], columns, LISTING, str(path))
    labels = {"name": best(columns, NAMES), "sector": best(columns, SECTORS)}
    own = [found["code"], *(column for column in labels.values() if column)]
    raw = read_table(path, own)
    table = pl.DataFrame(
        {
            "code": as_text(raw.get_column(found["code"]), str(path)),
            **{
                name: as_label(raw.get_column(column), str(path))
                if column
                else pl.repeat(None, raw.height, dtype=pl.String, eager=True)
                for name, column in labels.items()
            },
        }
    ).unique()
    doubled = table.filter(pl.col("code").is_duplicated()).sort("code")
    if doubled.height:
        raise DataError(
            "the listing describes a code twice",
            where=path,
            got=doubled.rows()[:2],
            expected="one row per code",
            remedy="keep one date's listing",
        )
    return table.filter(pl.col("code") != "").sort("code")


def read_others(path: Path) -> tuple[str, ...]:
    """Return the codes that a listing says are no stocks, by a column ``is_stock`` of true and false; else none.

    Raises:
        DataError: The file is no table, lacks the code, or the column holds something else.
    """
    columns, where = column_names(path), str(path)
    found = match(columns, LISTING, where)
    require(found, ["code"], columns, LISTING, where)
    flag = best(columns, IS_STOCK)
    if flag is None:
        return ()
    raw = read_table(path, [found["code"], flag])
    text = raw.get_column(flag).cast(pl.String).str.strip_chars().str.to_lowercase()
    strange = (~text.is_in(["true", "false"])).fill_null(value=True).arg_true()
    if len(strange):
        raise DataError(
            "the listing does not say whether a code is a stock",
            where=f"{path}, row {int(strange[0]) + 1}, column {flag}",
            got=raw.get_column(flag)[int(strange[0])],
            expected="true or false",
        )
    return tuple(as_text(raw.get_column(found["code"]), where).filter(text == "false").unique().sort())


def read_delistings(path: Path) -> pl.DataFrame:
    """Return ``code``, ``last_session`` and ``terminal_return`` (null where unknown), sorted by code.

    Raises:
        DataError: The file is no table, lacks a column, or holds a cell that is no date or number.
    """
    where = str(path)
    columns = column_names(path)
    found = match(columns, DELISTINGS, where)
    require(found, ["code", "last_session"], columns, DELISTINGS, where)
    raw = read_table(path, list(found.values()))
    last = as_date(raw.get_column(found["last_session"]), where)
    lost = [unparsed(raw.get_column(found["last_session"]), last, "last_session")]
    value = pl.repeat(None, raw.height, dtype=pl.Float64, eager=True)
    if "terminal_return" in found:
        value = as_number(raw.get_column(found["terminal_return"]), where)
        lost.append(unparsed(raw.get_column(found["terminal_return"]), value, "terminal_return"))
    for row, column, text in pl.concat(lost).sort("source_row").iter_rows():
        raise DataError(
            "a cell cannot be read",
            where=f"{path}, row {row}, column {column}",
            got=text,
            expected="a date as YYYY-MM-DD, a number",
        )
    code = as_text(raw.get_column(found["code"]), where)
    return pl.DataFrame({"code": code, "last_session": last, "terminal_return": value}).sort("code")
