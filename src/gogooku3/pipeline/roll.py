"""What the panel keeps of each stock, rolled forward."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogooku3.errors import DataError
from gogooku3.market.bars import Bars
from gogooku3.market.endings import check_delistings, terminal_returns
from gogooku3.market.settings import MarketSettings
from gogooku3.panel.panel import Panel


def roll_stocks(
    panel: Panel, rows: pl.DataFrame, source: Bars, sessions: np.ndarray, settings: MarketSettings
) -> pl.DataFrame:
    """Return the stocks of the panel and of new rows, with last sessions, bars so far and terminal returns.

    Names and sectors of known stocks stay: features of the past rest on them.

    Args:
        panel: The panel before.
        rows: New and changed bars; prices of withdrawn ones are null.
        source: Where they came from, with listing and delistings.
        sessions: All sessions, those of the panel and the new ones.
        settings: The rule for stocks that ended.

    Raises:
        DataError: The table of delistings is malformed, or no bar of a stock is left.
    """
    if source.delistings is not None:
        check_delistings(source.delistings)
    there = pl.col("close").is_not_null()
    held = rows.with_columns(held=pl.Series(_held(panel, rows), dtype=pl.Boolean))
    added = held.group_by("code").agg(added=(there.cast(pl.Int64) - pl.col("held").cast(pl.Int64)).sum())
    latest = rows.filter(there).group_by("code").agg(latest=pl.col("date").max())
    stocks = _without(panel, rows.filter(~there))
    merged = (
        stocks.join(latest, on="code", how="full", coalesce=True)
        .join(added, on="code", how="left")
        .sort("code")
        .with_columns(
            last_session=pl.max_horizontal("last_session", "latest"),
            bars=pl.col("bars").fill_null(0) + pl.col("added").fill_null(0),
        )
    )
    _refuse_nothing_left(merged)
    newcomers = set(rows.get_column("code")) - set(panel.codes)
    merged = _named(merged, newcomers, rows, source.listing)
    last_bar = np.searchsorted(
        sessions, merged.get_column("last_session").to_numpy().astype("datetime64[D]")
    ).astype(np.int64)
    terminal, _ = terminal_returns(
        tuple(merged.get_column("code")), last_bar, sessions, source.delistings, settings
    )
    return merged.with_columns(terminal_return=pl.Series(terminal).fill_nan(None)).select(
        panel.stocks.columns
    )


def _without(panel: Panel, gone: pl.DataFrame) -> pl.DataFrame:
    """Return the panel's stocks, with the last session of those that lose their last bar as it is without it."""
    days = {str(code): set(part["date"]) for (code,), part in gone.partition_by("code", as_dict=True).items()}
    last = {
        code: day for code, day in panel.stocks.select("code", "last_session").iter_rows() if code in days
    }
    for block in reversed([*panel.blocks(0)]):
        lost = [code for code, day in last.items() if day in days[code] and code in block.segment.codes]
        for code in lost:
            present = block.present[:, block.segment.codes.index(code)]
            held = [day for day in block.sessions[present].tolist() if day not in days[code]]
            last[code] = held[-1] if held else last[code]
    moved = pl.col("code").replace_strict(last, default=None, return_dtype=pl.Date)
    return panel.stocks.with_columns(last_session=moved.fill_null(pl.col("last_session")))


def _refuse_nothing_left(stocks: pl.DataFrame) -> None:
    empty = stocks.filter(pl.col("bars") <= 0)
    if empty.height:
        raise DataError(
            "every bar of a stock was withdrawn",
            where=f"code {empty.get_column('code')[0]}",
            remedy="look at its bars; if that is right, `gogooku3 build` anew",
        )


def _held(panel: Panel, rows: pl.DataFrame) -> np.ndarray:
    """Whether each row replaces a bar of the panel, bool [R]."""
    days = np.searchsorted(panel.sessions, rows.get_column("date").to_numpy().astype("datetime64[D]"))
    codes = rows.get_column("code").to_list()
    held = np.zeros(rows.height, dtype=bool)
    for day in np.unique(days[days < len(panel.sessions)]).tolist():
        (block,) = panel.blocks(day, day + 1)
        present = {block.segment.codes[n] for n in np.flatnonzero(block.present[0])}
        for row in np.flatnonzero(days == day):
            held[row] = codes[row] in present
    return held


def _named(
    stocks: pl.DataFrame, newcomers: set[str], rows: pl.DataFrame, listing: pl.DataFrame | None
) -> pl.DataFrame:
    """Give new stocks their name and sector, the listing's before that of their first bar, as a build does."""
    sector: dict[str, str | None] = {}
    name: dict[str, str | None] = {}
    if "sector" in rows.columns:
        sector |= dict(rows.group_by("code").agg(pl.col("sector").sort_by("date").first()).iter_rows())
    if listing is not None:
        name = dict(listing.select("code", "name").iter_rows())
        sector |= dict(listing.select("code", "sector").drop_nulls().iter_rows())
    is_new = pl.col("code").is_in(list(newcomers))

    def label(of: dict[str, str | None], column: str) -> pl.Expr:
        found = pl.col("code").replace_strict(of, default=None, return_dtype=pl.String).fill_null("")
        return pl.when(is_new).then(found).otherwise(column).alias(column)

    return stocks.with_columns(label(name, "name"), label(sector, "sector"))
