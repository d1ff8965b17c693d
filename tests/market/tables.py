"""Small tables of bars for the tests of this room and its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogooku3.market.bars import Bars
from gogooku3.market.calendar import sessions_between

AS_OF = date(2024, 1, 1)
SESSIONS = tuple(sessions_between("XTKS", date(2020, 9, 1), date(2020, 10, 30)).tolist())


def clean(
    codes: Sequence[str] = ("1301", "130A", "9984"), sessions: Sequence[date] = SESSIONS
) -> pl.DataFrame:
    """Sound bars of a few stocks on Tokyo sessions around the outage of 2020-10-01, no two prices alike."""
    rows = []
    for n, code in enumerate(codes):
        for d, day in enumerate(sessions):
            close = 100.0 * (n + 1) + d + 0.25 * n
            rows.append((day, code, close - 0.5, close + 1.0, close - 1.0, close, 1000.0 + d))
    names = ["date", "code", "open", "high", "low", "close", "volume"]
    schema = dict(zip(names, [pl.Date, pl.String, *[pl.Float64] * 5], strict=True))
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .with_row_index("source_row", offset=1)
        .with_columns(source_file=pl.lit("bars.csv"))
    )


def spoil(frame: pl.DataFrame, row: int, **cells: object) -> pl.DataFrame:
    """Return the table with cells of one source row replaced."""
    at = pl.col("source_row") == row
    return frame.with_columns(
        pl.when(at).then(pl.lit(value, dtype=frame.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in cells.items()
    )


def again(frame: pl.DataFrame, row: int, **cells: object) -> pl.DataFrame:
    """Return the table with one source row standing at its end once more, some cells replaced."""
    copy = frame.filter(pl.col("source_row") == row).with_columns(
        (pl.lit(frame.get_column("source_row").max(), dtype=pl.UInt32) + 1).alias("source_row"),
        *(pl.lit(value, dtype=frame.schema[name]).alias(name) for name, value in cells.items()),
    )
    return pl.concat([frame, copy])


def bars(frame: pl.DataFrame, delistings: list[tuple[str, date | None, float | None]] | None = None) -> Bars:
    """Return bars of a table, with a table of delistings where given."""
    schema = {"code": pl.String, "last_session": pl.Date, "terminal_return": pl.Float64}
    table = None if delistings is None else pl.DataFrame(delistings, schema=schema, orient="row")
    return Bars(frame=frame, delistings=table)
