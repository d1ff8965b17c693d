"""What a panel knows of each stock beside its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from gogooku3.errors import PanelError

STOCKS_SCHEMA = pl.Schema(
    {
        "code": pl.String(),
        "name": pl.String(),
        "sector": pl.String(),
        "last_session": pl.Date(),
        "terminal_return": pl.Float64(),
        "bars": pl.Int64(),
    }
)


def check_stocks(stocks: pl.DataFrame) -> pl.DataFrame:
    """Return the stocks in canonical form: sorted by code, the columns of ``STOCKS_SCHEMA``, NaN as null.

    Raises:
        PanelError: A column is missing or of another type, or a code is null or doubled.
    """
    missing = [name for name in STOCKS_SCHEMA if name not in stocks.columns]
    if missing:
        raise PanelError(
            "the stocks of a panel lack columns", got=stocks.columns, expected=", ".join(STOCKS_SCHEMA)
        )
    try:
        frame = stocks.select(STOCKS_SCHEMA.names()).cast(STOCKS_SCHEMA).sort("code")
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise PanelError("the stocks of a panel have another type", got=error) from error
    if frame["code"].null_count() or frame["code"].is_duplicated().any():
        raise PanelError("the stocks of a panel have a null or doubled code")
    return frame.with_columns(pl.col("terminal_return").fill_nan(None))


def stocks_to_json(stocks: pl.DataFrame) -> dict[str, list[Any]]:
    """Return canonical stocks as columns of JSON values."""
    return stocks.with_columns(pl.col("last_session").dt.to_string()).to_dict(as_series=False)


def stocks_from_json(value: dict[str, list[Any]]) -> pl.DataFrame:
    """Read what `stocks_to_json` wrote; panels of version 1 do not count bars.

    Raises:
        PanelError: It says something else.
    """
    value = {"bars": [None] * len(value["code"]), **value}
    try:
        frame = pl.DataFrame(value, schema_overrides={**STOCKS_SCHEMA, "last_session": pl.String()})
        return check_stocks(frame.with_columns(pl.col("last_session").str.to_date("%Y-%m-%d")))
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise PanelError("the stocks of a panel are not understood", got=error) from error


def bare_stocks(codes: Sequence[str]) -> pl.DataFrame:
    """Return stocks of which only the codes are known."""
    return pl.DataFrame({"code": list(codes)}, schema={"code": pl.String()}).select(
        *(
            pl.col(name) if name == "code" else pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in STOCKS_SCHEMA.items()
        )
    )


def align_stocks(stocks: pl.DataFrame, codes: Sequence[str]) -> pl.DataFrame:
    """Return the rows of ``codes``, in that order.

    Raises:
        PanelError: A code is not among the stocks.
    """
    known = set(stocks["code"])
    missing = [code for code in codes if code not in known]
    if missing:
        raise PanelError(
            "codes are not among the stocks of the panel",
            got=f"{len(missing)}, such as {', '.join(missing[:5])}",
        )
    return bare_stocks(codes).select("code").join(stocks, on="code", how="left", maintain_order="left")
