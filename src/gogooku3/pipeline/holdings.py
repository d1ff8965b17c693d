"""What is held, from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gogooku3.errors import DataError
from gogooku3.sources.aliases import BARS, Aliases, match, require
from gogooku3.sources.cells import as_number, as_text
from gogooku3.sources.tables import column_names, read_table

_ALIASES: Aliases = {"code": BARS["code"], "shares": ("shares", "quantity", "position")}
_CASH = "cash"


@dataclass(frozen=True, eq=False, kw_only=True)
class Holdings:
    """Stocks and money.

    Attributes:
        shares: ``code`` and ``shares`` (Int64, negative if short), each code once.
        cash: Yen; None if nothing is said of it.
    """

    shares: pl.DataFrame
    cash: float | None

    @classmethod
    def none(cls) -> Holdings:
        """Return that of somebody who holds nothing."""
        return cls(shares=pl.DataFrame(schema={"code": pl.String, "shares": pl.Int64}), cash=None)


def read_holdings(path: Path) -> Holdings:
    """Read holdings; a row with the code ``cash`` says how many yen there are.

    Args:
        path: CSV or Parquet with columns ``code`` and ``shares``.

    Raises:
        DataError: The file is no table, lacks a column, or a row has no code, a code of another row, or a number of
            shares that is not whole.
    """
    columns, where = column_names(path), str(path)
    found = match(columns, _ALIASES, where)
    require(found, ["code", "shares"], columns, _ALIASES, where)
    raw = read_table(path, list(found.values()))
    frame = pl.DataFrame(
        {
            "code": as_text(raw.get_column(found["code"]), where).str.strip_chars(),
            "shares": as_number(raw.get_column(found["shares"]), where),
        }
    )
    money = pl.col("code") == _CASH
    frame = frame.with_columns(
        code=pl.when(pl.col("code").str.to_lowercase() == _CASH).then(pl.lit(_CASH)).otherwise("code")
    )
    _refuse(frame, pl.col("code").is_null() | (pl.col("code") == ""), "has no code", "a code", path)
    _refuse(frame, pl.col("code").is_duplicated(), "names a code twice", "each code once", path)
    _refuse(frame, ~pl.col("shares").is_finite().fill_null(value=False), "has no number", "a number", path)
    whole = pl.col("shares").round() == pl.col("shares")
    _refuse(frame, ~money & ~whole, "has a part of a share", "whole shares", path)
    cash = frame.filter(money)["shares"]
    return Holdings(
        shares=frame.filter(~money).with_columns(pl.col("shares").cast(pl.Int64)).sort("code"),
        cash=float(cash[0]) if len(cash) else None,
    )


def refuse_other_codes(shares: pl.DataFrame, codes: Sequence[str]) -> None:
    """Refuse holdings whose codes are written otherwise, such as by four characters instead of five, or ``7203.T``.

    They would count as unknown, and what is held would be bought once more. So holdings that are mostly unknown are
    refused, too.

    Args:
        shares: Of the holdings.
        codes: Of the panel.

    Raises:
        DataError: A code is not the panel's, but would be with or without a 0 or an exchange at its end; or most are
            not.
    """
    known = set(codes)
    held = shares.filter(pl.col("shares") != 0)["code"].to_list()
    for code in held:
        stem = code.partition(".")[0]
        others = (stem, f"{stem}0", stem.removesuffix("0"))
        meant = [other for other in others if other != code and other in known]
        if code not in known and meant:
            raise DataError(
                "the holdings write codes otherwise than the panel",
                got=code,
                expected=meant[0],
                remedy="write the codes of the holdings as the ranking does",
            )
    unknown = [code for code in held if code not in known]
    if 2 * len(unknown) > len(held):
        raise DataError(
            "most of what is held is not in the panel",
            got=f"{len(unknown)} of {len(held)} codes, such as {unknown[0]}",
            expected=f"codes such as {codes[0]}",
            remedy="write the codes as the ranking does, and leave out what is to be left as it is",
        )


def _refuse(frame: pl.DataFrame, wrong: pl.Expr, what: str, expected: str, path: Path) -> None:
    bad = frame.select(wrong.alias("wrong"))["wrong"].arg_true()
    if len(bad):
        row = int(bad[0])
        raise DataError(
            f"a row of the holdings {what}",
            where=f"{path}, row {row + 1}",
            got=", ".join(str(cell) for cell in frame.row(row)),
            expected=expected,
        )
