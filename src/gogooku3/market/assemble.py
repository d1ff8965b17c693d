"""From bars to the market's grids."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from gogooku3.axes import BoolDN, FloatDN, Int16N
from gogooku3.errors import DataError
from gogooku3.market.bars import Bars
from gogooku3.market.endings import Ends, check_delistings, find_ends, terminal_returns
from gogooku3.market.market import Market
from gogooku3.market.report import Jump, ValidationReport
from gogooku3.market.settings import MarketSettings
from gogooku3.market.validation import Validated, validate


def assemble(
    bars: Bars, settings: MarketSettings, *, as_of: date | None = None
) -> tuple[Market, ValidationReport]:
    """Validate bars and lay them out as sessions by stocks.

    The order of the rows does not matter. The grids cover every session of the calendar from the first bar to
    the last. Where the source gives no turnover, it is close x volume. A link between two bars is broken
    where the total return lies outside [1 / jump_limit, jump_limit], decided from those two bars alone.

    Args:
        bars: Bars of any source.
        settings: Calendar, policies and rules.
        as_of: The day of the run; later dates are faults. Today where not given.

    Returns:
        The market, and what validation found.

    Raises:
        DataError: The bars are refused or none is left.
        SettingsError: The calendar is unknown.
    """
    if bars.delistings is not None:
        check_delistings(bars.delistings)
    valid = validate(bars, settings, as_of=as_of)
    market = _grids(bars, valid, settings.calendar)
    broken, jumps = find_jumps(market, settings)
    terminal, ended = terminal_returns(
        market.codes, market.last_bar, market.sessions, bars.delistings, settings
    )
    market = replace(market, broken=broken, ends=find_ends(market.present, terminal, settings))
    return market, _report(bars, valid, market, jumps, ended)


def _grids(bars: Bars, valid: Validated, calendar: str) -> Market:
    frame, sessions = valid.frame, valid.sessions
    codes = tuple(frame.get_column("code").unique().sort().to_list())
    shape = (len(sessions), len(codes))
    day = np.searchsorted(sessions, frame.get_column("date").to_numpy().astype("datetime64[D]"))
    stock = frame.get_column("code").cast(pl.Enum(codes)).to_physical().to_numpy().astype(np.int64)
    place = day * shape[1] + stock

    def grid(column: str) -> FloatDN:
        values = np.full(shape, np.nan)
        values.reshape(-1)[place] = frame.get_column(column).to_numpy()
        return values

    close, volume = grid("close"), grid("volume")
    turnover = close * volume
    if "turnover" in frame.columns:
        given = grid("turnover")
        turnover = np.where(np.isfinite(given), given, turnover)
    factor = (
        grid("adj_factor") if "adj_factor" in frame.columns else np.where(np.isfinite(close), 1.0, np.nan)
    )
    names, sector, sector_names = _labels(bars.listing, frame, codes)
    return Market(
        calendar=calendar,
        sessions=sessions,
        codes=codes,
        names=names,
        sector=sector,
        sector_names=sector_names,
        open=grid("open"),
        high=grid("high"),
        low=grid("low"),
        close=close,
        volume=volume,
        turnover=turnover,
        factor=factor,
        broken=np.zeros(shape, dtype=bool),
        ends=Ends.none(),
    )


def _labels(
    listing: pl.DataFrame | None, frame: pl.DataFrame, codes: tuple[str, ...]
) -> tuple[tuple[str, ...], Int16N, tuple[str, ...]]:
    """Return names and sectors; the listing's sector goes before that of the stock's first bar.

    A later bar's sector would be known before its day, since a stock has one sector for all its sessions.
    """
    name: dict[str, str | None] = {}
    sector: dict[str, str | None] = {}
    if "sector" in frame.columns:
        bars = frame.group_by("code").agg(pl.col("sector").sort_by("date").first())
        sector |= dict(bars.iter_rows())
    if listing is not None:
        if listing.get_column("code").is_duplicated().any():
            doubled = listing.filter(pl.col("code").is_duplicated()).get_column("code")[0]
            raise DataError("the listing names a code twice", got=doubled, expected="one row per code")
        name = dict(listing.select("code", "name").iter_rows())
        sector |= dict(listing.select("code", "sector").drop_nulls().iter_rows())
    sectors = sorted({label for code in codes if (label := sector.get(code))})
    index = {label: place for place, label in enumerate(sectors)}
    sector_index = np.array([index.get(sector.get(code) or "", -1) for code in codes], dtype=np.int16)
    return tuple(name.get(code) or "" for code in codes), sector_index, tuple(sectors)


def find_jumps(market: Market, settings: MarketSettings) -> tuple[BoolDN, tuple[Jump, ...]]:
    """Return which links are broken, [D, N], and the total returns that are hard to believe; two bars decide each."""
    gross = market.link
    with np.errstate(invalid="ignore"):
        broken = (gross > settings.jump_limit) | (gross < 1 / settings.jump_limit)
        listed = broken | (np.abs(gross - 1) > settings.suspicious_return)
    jumps = tuple(
        Jump(
            code=market.codes[n],
            session=market.sessions[d].item(),
            ratio=float(gross[d, n]),
            broken=bool(broken[d, n]),
        )
        for d, n in np.argwhere(listed)
    )
    return broken, jumps


def _report(
    bars: Bars, valid: Validated, market: Market, jumps: tuple[Jump, ...], ended: tuple[str, ...]
) -> ValidationReport:
    source_days = bars.frame.get_column("date").unique().drop_nulls().to_numpy().astype("datetime64[D]")
    source_codes = set(bars.frame.get_column("code").unique().drop_nulls().to_list())
    delisted = set() if bars.delistings is None else set(bars.delistings.get_column("code").to_list())
    return ValidationReport(
        rows_read=bars.frame.height,
        rows_kept=valid.frame.height,
        counts=valid.counts,
        examples=valid.examples,
        missing_sessions=tuple(np.setdiff1d(market.sessions, source_days).tolist()),
        all_null_days=valid.all_null_days,
        jumps=jumps,
        lost_codes=tuple(sorted(source_codes - set(market.codes) - {""})),
        ended=ended,
        unlisted_delistings=tuple(sorted(delisted - source_codes)),
        quarantine=valid.quarantine,
    )
