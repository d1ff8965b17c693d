"""Margin balances, from the first session at whose close they were public."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from gogooku3.features.known import Known
from gogooku3.market.publication import later_sessions, usable_sessions, weekly_sessions

FAMILY = "margin"
_HOLDS = 30
_DAILY_FROM = date(2026, 9, 25)
MEANINGS = {
    "mg_balance": "long less short margin balance to their sum",
    "mg_balance_change": "change of that over a week",
    "mg_negotiable": "share of negotiable margin in the long balance",
}
"""Features of a balance: ratios of shares counted on one day."""
AMOUNTS = ("mg_long", "mg_short")
"""Shares that features hold against the volume; no features themselves."""


def known_margin(balances: pl.DataFrame, calendar: str) -> Known:
    """Return what each balance says, by stock and first usable session.

    The Tokyo exchange published balances as of a week after the close of the second session of the next week, and
    those of each day from 2026-09-25 on after the close of the next; a row with a day of publication is usable from
    the session after it.

    Args:
        balances: As ``sources.filings.read_margin`` returns them.
        calendar: Code of the exchange calendar.

    Raises:
        DataError: The calendar does not reach the balances.
    """
    rows = balances.sort("code", "date")
    rows = rows.with_columns(pl.Series("session", _usable(rows, calendar)).cast(pl.Date))
    both = pl.col("long") + pl.col("short")
    rows = rows.with_columns(balance=pl.when(both > 0).then((pl.col("long") - pl.col("short")) / both))
    if "long_negotiable" not in rows.columns:
        rows = rows.with_columns(long_negotiable=pl.lit(None, dtype=pl.Float64))
    earlier = rows.select("code", pl.col("date").dt.offset_by("7d").alias("date"), earlier="balance")
    rows = rows.sort("date").join_asof(
        earlier.sort("date"), on="date", by="code", tolerance="10d", check_sortedness=False
    )
    frame = rows.sort("code", "session", "date").select(
        pl.col("code").alias("key"),
        "session",
        mg_balance=pl.col("balance"),
        mg_balance_change=pl.col("balance") - pl.col("earlier"),
        mg_negotiable=pl.when(pl.col("long") > 0).then(pl.col("long_negotiable") / pl.col("long")),
        mg_long=pl.col("long"),
        mg_short=pl.col("short"),
        counted=pl.col("date"),
    )
    newest = frame.unique(("key", "session"), keep="last", maintain_order=True)
    return Known(family=FAMILY, by="code", frame=newest, holds=_HOLDS)


def _usable(rows: pl.DataFrame, calendar: str) -> np.ndarray:
    days = rows.get_column("date").to_numpy().astype("datetime64[D]")
    weekly = days < np.datetime64(_DAILY_FROM)
    usable = days.copy()
    usable[weekly] = weekly_sessions(calendar, days[weekly])
    usable[~weekly] = later_sessions(calendar, days[~weekly], 2)
    if "published" in rows.columns:
        known = rows.get_column("published").is_not_null().to_numpy()
        told = rows.get_column("published").filter(pl.Series(known)).to_numpy().astype("datetime64[D]")
        usable[known] = usable_sessions(calendar, told, np.full(len(told), np.nan))
    return usable
