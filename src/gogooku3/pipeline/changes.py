"""What a table of bars changes in a panel: new, late, corrected and withdrawn bars, and a vendor's new scale."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from gogooku3.errors import DataError
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.segments import GRIDS
from gogooku3.sources.journal import KEY, NEUTRAL_FACTOR

_PRICES = ("open", "high", "low", "close")
_SAME = 1e-6
"""Relative difference up to which two values are the same: float32 rounding of a vendor's rescaling."""
_ONE_RATIO = 2e-3
"""Relative difference up to which ratios are one: prices rounded to the tick after rescaling."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Changes:
    """Bars to apply, in the scale of the panel.

    Attributes:
        rows: ``date``, ``code``, prices, volume, perhaps ``turnover`` and ``adj_factor``; new and changed bars. Those
            of a bar that was withdrawn are null.
        new: How many of them lie after the panel's last session.
        late: How many are of earlier sessions on which the stock had no bar.
        corrected: How many replace a bar.
        withdrawn: How many bars of the panel are taken back.
        same: Bars that the panel has already.
        rescaled: Codes whose bars came in another scale than the panel's, such as after a vendor's adjustment for a
            split, and were brought back to it.
    """

    rows: pl.DataFrame
    new: int
    late: int
    corrected: int
    withdrawn: int
    same: int
    rescaled: tuple[str, ...]


def find_changes(
    panel: Panel, frame: pl.DataFrame, *, chained: bool, whole: Collection[date] = ()
) -> Changes:
    """Compare validated bars with the panel's own.

    A vendor's split adjustment rescales the whole past of a stock. Where bars overlap the panel's, the median ratio
    of each stock's prices, volumes and factors gives the scale, and what differs beyond it is a correction. A
    stock without an overlap is taken as it is; if its factors are ``chained``, they go on from the panel's.

    Args:
        panel: A panel with the market's grids.
        frame: Sound bars, one row per date and code.
        chained: As in `Bars`.
        whole: Days of which ``frame`` has every bar, so that one of the panel that it lacks was withdrawn.

    Raises:
        DataError: A bar lies before the panel's first session, only one side has adjustment factors, or no bar
            of a day is left.
    """
    last = panel.sessions[-1].astype(object)
    first = panel.sessions[0].astype(object)
    if frame.get_column("date").min() < first:
        raise DataError(
            "appended bars begin before the panel",
            got=frame.get_column("date").min(),
            expected=f"{first} or later",
            remedy="build the panel from all bars",
        )
    stored = _stored(panel, frame, whole)
    withdrawn = _withdrawn(stored, frame, whole)
    if "adj_factor" not in frame.columns:
        _refuse_lost_factor(panel)
        frame = frame.with_columns(adj_factor=pl.lit(NEUTRAL_FACTOR))
    given = frame.with_columns(pl.col("turnover") if "turnover" in frame.columns else _unknown("turnover"))
    both = given.join(stored, on=KEY, how="left", suffix="_held", maintain_order="left")
    scales = _scales(both, panel, chained=chained)
    both = both.join(scales, on="code", how="left", maintain_order="left").with_columns(
        *(pl.col(name) * pl.col("price_scale") for name in _PRICES),
        pl.col("volume") * pl.col("volume_scale"),
        pl.col("adj_factor") * pl.col("factor_scale"),
    )
    known = pl.col("close_held").is_not_null()
    both = both.with_columns(
        state=pl.when(pl.col("date") > last)
        .then(pl.lit("new"))
        .when(~known)
        .then(pl.lit("late"))
        .when(_same(_compared(frame)))
        .then(pl.lit("same"))
        .otherwise(pl.lit("corrected"))
    )
    count = dict(both.group_by("state").len().iter_rows())
    kept = ["date", "code", *_PRICES, "volume", "turnover", "adj_factor"]
    kept += ["sector"] if "sector" in frame.columns else []
    changed = both.filter(pl.col("state") != "same").select(kept)
    return Changes(
        rows=pl.concat([changed, withdrawn], how="diagonal").sort("date", "code"),
        new=count.get("new", 0),
        late=count.get("late", 0),
        corrected=count.get("corrected", 0),
        withdrawn=withdrawn.height,
        same=count.get("same", 0),
        rescaled=tuple(scales.filter("rescaled").get_column("code").sort().to_list()),
    )


def _compared(frame: pl.DataFrame) -> tuple[str, ...]:
    return (*_PRICES, "volume", "adj_factor", *(["turnover"] if "turnover" in frame.columns else []))


def _same(names: tuple[str, ...]) -> pl.Expr:
    """Whether a bar is the panel's, cell by cell; two unknown cells are the same."""

    def cell(name: str) -> pl.Expr:
        mine, theirs = pl.col(name), pl.col(f"{name}_held")
        near = (mine - theirs).abs() <= _SAME * theirs.abs()
        unknown = mine.is_null() & theirs.is_null()
        # a turnover that the source does not give is close x volume in the panel
        return (near | unknown | mine.is_null()) if name == "turnover" else (near | unknown)

    return pl.all_horizontal(cell(name).fill_null(value=False) for name in names)


def _withdrawn(stored: pl.DataFrame, frame: pl.DataFrame, whole: Collection[date]) -> pl.DataFrame:
    """Return ``date`` and ``code`` of the panel's bars on whole days that the given bars lack."""
    held = stored.filter(pl.col("date").is_in(list(whole))).select(KEY)
    gone = held.join(frame, on=KEY, how="anti")
    empty = gone.join(frame, on="date", how="anti")
    if empty.height:
        raise DataError(
            "every bar of a day was withdrawn",
            where=empty.get_column("date")[0],
            remedy="look at that day's file; if it is right, `gogooku3 build` anew",
        )
    return gone


def _stored(panel: Panel, frame: pl.DataFrame, whole: Collection[date]) -> pl.DataFrame:
    """Return the panel's bars from the first date of ``frame`` on, null where there is no value.

    They are those of its codes, and all on whole days.
    """
    days = pl.concat([frame.get_column("date"), pl.Series(list(whole), dtype=pl.Date)])
    earliest = days.sort().to_numpy().astype("datetime64[D]")[0]
    start = int(np.searchsorted(panel.sessions, earliest))
    names = np.array(panel.codes, dtype=object)
    tables = [
        pl.DataFrame(schema={"date": pl.Date, "code": pl.String} | dict.fromkeys(GRIDS, pl.Float64)),
    ]
    for block in panel.blocks(start):
        day, place = np.nonzero(block.present)
        columns = {name: block.field(name)[day, place] for name in GRIDS}
        tables.append(
            pl.DataFrame(
                {"date": block.sessions[day], "code": names[block.stock[place]], **columns},
                schema_overrides={"date": pl.Date, "code": pl.String},
            )
        )
    held = pl.concat(tables).rename({"factor": "adj_factor"})
    codes = frame.get_column("code").unique()
    wanted = pl.col("code").is_in(codes.implode()) | pl.col("date").is_in(list(whole))
    return held.filter(wanted).with_columns(pl.col(pl.Float64).fill_nan(None))


def _scales(both: pl.DataFrame, panel: Panel, *, chained: bool) -> pl.DataFrame:
    """Return per code what prices, volumes and factors are multiplied with, exactly 1 where they agree.

    Prices have another scale if open, high, low and close of most bars that overlap differ by one ratio, and the code
    has a new bar to bring to the panel's scale or several that overlap; otherwise a difference is a correction.
    Volumes follow prices or stay.
    """

    def ratio(name: str) -> pl.Expr:
        value = pl.col(f"{name}_held") / pl.col(name)
        return pl.when(value.is_finite() & (value > 0)).then(value)

    def unless_one(value: pl.Expr) -> pl.Expr:
        return pl.when((value - 1).abs() > _SAME).then(value).otherwise(1.0)

    def near(left: pl.Expr, right: pl.Expr) -> pl.Expr:
        return (left / right - 1).abs() < _ONE_RATIO

    moved = pl.col("close_held").is_not_null()
    alike = pl.all_horizontal(near(ratio(name), ratio("close")).fill_null(value=True) for name in _PRICES)
    counted = both.with_columns(ratio=ratio("close")).with_columns(alike=alike & moved)
    scales = (
        counted.group_by("code")
        .agg(
            price=pl.col("ratio").median(),
            agreeing=(pl.col("alike") & near(pl.col("ratio"), pl.col("ratio").median())).sum(),
            volume=ratio("volume").median(),
            factor_scale=unless_one(ratio("adj_factor").median()),
            overlapping=moved.sum(),
            fresh=(pl.col("date") > panel.sessions[-1].astype(object)).any(),
        )
        .sort("code")
        .with_columns(
            is_scale=(pl.col("agreeing") * 2 > pl.col("overlapping"))
            & ((pl.col("overlapping") > 1) | pl.col("fresh"))
        )
        .with_columns(price_scale=pl.when("is_scale").then(unless_one(pl.col("price"))).otherwise(1.0))
        .with_columns(
            volume_scale=pl.when(
                (pl.col("price_scale") != 1) & near(pl.col("volume") * pl.col("price_scale"), pl.lit(1.0))
            )
            .then("volume")
            .otherwise(1.0)
        )
    )
    if chained:
        alone = scales.filter(pl.col("overlapping") == 0).get_column("code").to_list()
        latest = _latest_factor(panel, alone)
        onward = pl.col("code").replace_strict(latest, default=1.0, return_dtype=pl.Float64)
        scales = scales.with_columns(
            factor_scale=pl.when(pl.col("overlapping") > 0).then("factor_scale").otherwise(onward)
        )
    names = ("price_scale", "volume_scale", "factor_scale")
    rescaled = pl.any_horizontal(pl.col(*names) != 1) & (pl.col("overlapping") > 0)
    return scales.select("code", *names, rescaled=rescaled)


def _latest_factor(panel: Panel, codes: list[str]) -> dict[str, float]:
    """The cumulative factor at the last bar of each known code."""
    last = dict(panel.stocks.select("code", "last_session").iter_rows())
    found = {}
    for code in codes:
        if last.get(code) is not None:
            day = int(np.searchsorted(panel.sessions, np.datetime64(last[code])))
            (block,) = panel.blocks(day, day + 1)
            column = block.segment.codes.index(code)
            found[code] = float(block.field("factor")[0, column])
    return found


def _refuse_lost_factor(panel: Panel) -> None:
    (*_, block) = panel.blocks(len(panel.sessions) - 1)
    factor = block.field("factor")
    if not np.isin(factor[~np.isnan(factor)], NEUTRAL_FACTOR).all():
        raise DataError(
            "appended bars have no adjustment factors, and the panel's do",
            expected="the columns that the panel was built from",
            remedy="append bars of the same source, with its adjustment column",
        )


def _unknown(name: str) -> pl.Expr:
    return pl.lit(None, dtype=pl.Float64).alias(name)
