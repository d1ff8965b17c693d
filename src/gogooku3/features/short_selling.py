"""Short sales by sector, from the session after the day they were made."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogooku3.features.known import Known
from gogooku3.market.publication import usable_sessions

FAMILY = "short_selling"
_HOLDS = 14
_WINDOW = 20
MEANINGS = {
    "ss_ratio": "short sales to all sales of the sector",
    "ss_ratio_rise": "that less its mean over 20 sessions",
    "ss_restricted": "share of short sales under price restriction",
}


def known_short_selling(sales: pl.DataFrame, calendar: str) -> Known:
    """Return what each day's sales say, by sector and first usable session.

    They are published after the close of the day itself.

    Args:
        sales: As ``sources.filings.read_short_selling`` returns them.
        calendar: Code of the exchange calendar.

    Raises:
        DataError: The calendar does not reach the days; a sector has two rows of one day.
    """
    rows = sales.sort("sector", "date")
    days = rows.get_column("date").to_numpy().astype("datetime64[D]")
    usable = usable_sessions(calendar, days, np.full(len(days), np.nan))
    short = pl.col("short_restricted") + pl.col("short_unrestricted")
    total = short + pl.col("long")
    rows = rows.with_columns(
        pl.Series("session", usable).cast(pl.Date),
        ss_ratio=pl.when(total > 0).then(short / total),
        ss_restricted=pl.when(short > 0).then(pl.col("short_restricted") / short),
    )
    mean = pl.mean_horizontal(pl.col("ss_ratio").shift(k) for k in range(_WINDOW))
    whole = pl.col("ss_ratio").shift(_WINDOW - 1).is_not_null()
    frame = rows.select(
        pl.col("sector").alias("key"),
        "session",
        "ss_ratio",
        ss_ratio_rise=pl.when(whole).then(pl.col("ss_ratio") - mean).over("sector"),
        ss_restricted=pl.col("ss_restricted"),
    )
    return Known(family=FAMILY, by="sector", frame=frame, holds=_HOLDS)
