"""What is published about the sampled stocks, and another story of what is published after a session."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.pipeline.published import published_places, read_tables
from gogooku3.pipeline.run_folder import Run
from gogooku3.storage.parquet import write_parquet

Told = Mapping[str, pl.DataFrame]
"""Tables by family, as they were published."""

_WEEKLY = timedelta(days=4)  # the balance of a Friday is out on Tuesday evening at the soonest
_DAILY = timedelta(days=1)  # that of a day on the next evening
_DAILY_FROM = date(2026, 9, 25)
_ABSENT = 0.2


def load_told(run: Run, codes: list[str], end: date) -> Told:
    """Return what is published about some stocks, and about all sectors, until a day.

    Raises:
        DataError: A file is no table, lacks a column, or holds a cell that cannot be read.
    """
    found = {}
    for family in published_places(run.settings.source):
        table = read_tables(run, family).filter(pl.col("date") <= end)
        own = pl.col("code").is_in(codes) if "code" in table.columns else pl.lit(value=True)
        found[family] = table.filter(own)
    return found


def write_told(told: Told, folder: Path) -> dict[str, Path]:
    """Write tables as files, and return the source settings that name them."""
    written = {}
    for family, table in told.items():
        written[family] = folder / f"{family}.parquet"
        write_parquet(table, written[family])
    return written


def retold(told: Told, known: date, close: float, *, delete: bool, rng: np.random.Generator) -> Told:
    """Return the same until the close of a session, and something else after it.

    What counts as later is decided here from days and times alone, and not by the rules of the features.

    Args:
        told: Tables.
        known: The session.
        close: When its trading ends, minutes since midnight.
        delete: Nothing is published any more; else amounts are drawn anew, stocks trade their rows, rows are lost.
        rng: Source of randomness.
    """
    found = {}
    for family, table in told.items():
        later = table.select(_is_later(family, table, known, close).fill_null(value=True)).to_series()
        future = table.filter(later)
        parts = [table.filter(~later)] if delete else [table.filter(~later), _other(future, rng)]
        found[family] = pl.concat(parts)
    return found


def _is_later(family: str, table: pl.DataFrame, known: date, close: float) -> pl.Expr:
    day = pl.col("date")
    if family == "short_selling":
        return day >= known
    if family == "margin":
        soonest = pl.when(day < _DAILY_FROM).then(_WEEKLY).otherwise(_DAILY)
        unsaid = day + soonest >= known
        return pl.coalesce(pl.col("published") >= known, unsaid) if "published" in table.columns else unsaid
    clock = pl.col("time").str.splitn(":", 3).struct
    minutes = clock.field("field_0").cast(pl.Float64, strict=False) * 60 + clock.field("field_1").cast(
        pl.Float64, strict=False
    )
    return (day > known) | ((day == known) & (minutes >= close).fill_null(value=True))


def _other(future: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    numbers = [name for name, dtype in future.schema.items() if dtype == pl.Float64]
    scaled: dict[str, pl.Expr | pl.Series]
    scaled = {name: pl.col(name) * pl.Series(np.exp(rng.normal(0, 0.5, future.height))) for name in numbers}
    key = "code" if "code" in future.columns else "sector"
    if key == "code":  # a sector has one row a day
        scaled[key] = pl.Series(rng.permutation(future.get_column(key).to_numpy()), dtype=pl.String)
    kept = pl.Series(rng.random(future.height) >= _ABSENT, dtype=pl.Boolean)
    return future.with_columns(**scaled).filter(kept)
