"""Which cells are at fault, as polars expressions over bars with canonical names."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from gogooku3.market.faults import Fault
from gogooku3.market.schema import PRICES


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A class of fault, the column it is found in, and the expression that is true where it is."""

    fault: Fault
    column: str
    broken: pl.Expr


def price_rules(empty_days: pl.Series, tolerance: float) -> list[Rule]:
    """Return the rules of prices.

    Args:
        empty_days: Dates on which no stock has any price.
        tolerance: Relative slack of the range.
    """
    bare = priceless()
    on_empty_day = pl.col("date").is_in(empty_days.implode()) if len(empty_days) else pl.lit(value=False)
    idle = bare & (pl.col("volume").is_null() | pl.col("volume").is_nan() | (pl.col("volume") == 0))
    rules = [
        Rule(fault=Fault.ALL_NULL_DAY, column="close", broken=on_empty_day),
        Rule(fault=Fault.NO_TRADE, column="close", broken=idle & ~on_empty_day),
    ]
    for name in PRICES:
        explained = (idle | on_empty_day) if name == "close" else bare
        value = pl.col(name)
        rules += [
            Rule(fault=Fault.NULL_PRICE, column=name, broken=value.is_null() & ~explained),
            Rule(fault=Fault.NON_FINITE, column=name, broken=~value.is_finite() & ~explained),
            Rule(fault=Fault.NON_POSITIVE_PRICE, column=name, broken=value.is_finite() & (value <= 0)),
        ]
    return rules + _range_rules(tolerance)


def amount_rules(columns: list[str]) -> list[Rule]:
    """Return the rules of volume, turnover and adjustment factor, where the bars have them."""
    traded = ~priceless()
    volume = pl.col("volume")
    rules = [
        Rule(fault=Fault.NULL_VOLUME, column="volume", broken=volume.is_null() & traded),
        Rule(fault=Fault.NON_FINITE, column="volume", broken=~volume.is_finite() & traded),
        Rule(fault=Fault.NEGATIVE_VOLUME, column="volume", broken=volume < 0),
        Rule(fault=Fault.ZERO_VOLUME, column="volume", broken=(volume == 0) & traded),
    ]
    if "turnover" in columns:
        turnover = pl.col("turnover")
        rules += [
            Rule(fault=Fault.NULL_TURNOVER, column="turnover", broken=turnover.is_null() & traded),
            Rule(fault=Fault.NON_FINITE, column="turnover", broken=~turnover.is_finite() & traded),
            Rule(fault=Fault.NEGATIVE_TURNOVER, column="turnover", broken=turnover < 0),
        ]
    if "adj_factor" in columns:
        factor = pl.col("adj_factor")
        rules += [
            Rule(fault=Fault.NULL_FACTOR, column="adj_factor", broken=factor.is_null() & traded),
            Rule(fault=Fault.NON_FINITE, column="adj_factor", broken=~factor.is_finite() & traded),
            Rule(
                fault=Fault.NON_POSITIVE_FACTOR,
                column="adj_factor",
                broken=factor.is_finite() & (factor <= 0),
            ),
        ]
    return rules


def priceless() -> pl.Expr:
    """Return true where a row has no price at all: four nulls, or NaN in their place."""
    return pl.all_horizontal(pl.col(name).is_null() | pl.col(name).is_nan() for name in PRICES)


def _range_rules(tolerance: float) -> list[Rule]:
    usable = {name: _usable(name) for name in PRICES}
    high, low = pl.col("high"), pl.col("low")
    inverted = usable["high"] & usable["low"] & (high < low * (1 - tolerance))
    rules = [Rule(fault=Fault.HIGH_BELOW_LOW, column="high", broken=inverted)]
    for name, fault in (("open", Fault.OPEN_OUTSIDE_RANGE), ("close", Fault.CLOSE_OUTSIDE_RANGE)):
        above = usable["high"] & (pl.col(name) > high * (1 + tolerance))
        below = usable["low"] & (pl.col(name) < low * (1 - tolerance))
        rules.append(Rule(fault=fault, column=name, broken=usable[name] & ~inverted & (above | below)))
    return rules


def _usable(name: str) -> pl.Expr:
    return (pl.col(name).is_finite() & (pl.col(name) > 0)).fill_null(value=False)
