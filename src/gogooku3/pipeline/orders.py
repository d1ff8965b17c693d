"""From target weights and holdings to a list of trades in whole lots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from gogooku3.errors import DataError
from gogooku3.pipeline.lots import to_lots


@dataclass(frozen=True, eq=False, kw_only=True)
class Orders:
    """What to trade.

    Attributes:
        table: A row for each code that is held or wanted and can be traded: ``side`` (sell, buy, hold), ``code``,
            ``shares`` to trade, ``held``, ``target``, ``price``, ``value`` of the trade, ``weight`` wanted. Sells
            first, then buys, then what stays; by code within each.
        capital: Yen that a leg may be worth.
        kept_back: Part of it that pays the cost of selling all that is held and buying all that is wanted.
        cost: Estimated cost of the trades.
        untraded: Codes held without a bar that day: left as they are, their last known value counts as invested.
        unknown: Codes held that are not in the panel: left as they are, of no known value.
    """

    table: pl.DataFrame
    capital: float
    kept_back: float
    cost: float
    untraded: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def spent(self) -> float:
        """Yen that buys take less what sells bring, before costs."""
        signed = self.table.select(
            pl.when(pl.col("side") == "sell").then(-pl.col("value")).otherwise(pl.col("value"))
        )
        return float(signed.to_series().sum())


def make_orders(
    names: pl.DataFrame, holdings: pl.DataFrame, *, capital: float, lot: int, cost_bps: float
) -> Orders:
    """Return the trades that lead from what is held to the target weights.

    A weight is of ``capital`` less what is kept back for costs and less what cannot be sold, so that a leg with its
    costs is never worth more than ``capital``, as long as what is held is not. The weight of a name that cannot be
    traded stays in cash.

    Args:
        names: ``code``, ``weight`` (a leg's sum is at most 1), ``price`` (null where unknown) and ``tradable``.
        holdings: ``code`` and ``shares``, negative if short, each code once.
        capital: Yen.
        lot: Shares of a trading unit.
        cost_bps: Cost per traded value, basis points.

    Raises:
        DataError: The capital is not above 0.
    """
    if not capital > 0:
        raise DataError("there is no capital to invest", got=capital, expected="more than 0 yen")
    both = (
        names.join(holdings, on="code", how="left").sort("code").with_columns(pl.col("shares").fill_null(0))
    )
    unknown = holdings.filter(~pl.col("code").is_in(names["code"].implode()) & (pl.col("shares") != 0))
    open_ = pl.col("tradable") & (pl.col("price") > 0)
    fixed = both.filter(~open_.fill_null(value=False) & (pl.col("shares") != 0))
    rows = both.filter(open_.fill_null(value=False) & ((pl.col("weight") != 0) | (pl.col("shares") != 0)))
    price, held = rows["price"].to_numpy(), rows["shares"].to_numpy().astype(np.int64)
    weight = rows["weight"].to_numpy()
    gross = max(1.0, float(np.abs(weight).sum()))
    kept_back = cost_bps * 1e-4 * (float(np.abs(held) @ price) + gross * capital)
    target = np.zeros_like(held)
    for sign in (1, -1):
        budget = max(0.0, capital - kept_back - _value(fixed, sign))
        wanted = np.maximum(sign * weight, 0.0) * budget
        target += sign * to_lots(
            wanted, price, np.maximum(sign * held, 0), lot=lot, budget=float(wanted.sum())
        )
    table = _table(rows, held, target)
    return Orders(
        table=table,
        capital=capital,
        kept_back=kept_back,
        cost=cost_bps * 1e-4 * float(table["value"].sum()),
        untraded=tuple(fixed["code"].sort()),
        unknown=tuple(unknown["code"].sort()),
    )


def _value(fixed: pl.DataFrame, sign: int) -> float:
    """Return the last known value of one side of what cannot be traded."""
    value = (sign * pl.col("shares")).clip(lower_bound=0) * pl.col("price").fill_null(0.0)
    return float(fixed.select(value.alias("value"))["value"].sum())


def _table(rows: pl.DataFrame, held: np.ndarray, target: np.ndarray) -> pl.DataFrame:
    trade = target - held
    side = np.select([trade < 0, trade > 0], ["sell", "buy"], "hold")
    place = np.select([trade < 0, trade > 0], [0, 1], 2)
    found: pl.DataFrame = (
        rows.select("code", "price", "weight")
        .with_columns(
            side=pl.Series(side, dtype=pl.String),
            shares=pl.Series(np.abs(trade)),
            held=pl.Series(held),
            target=pl.Series(target),
            place=pl.Series(place),
        )
        .with_columns(value=pl.col("shares") * pl.col("price"))
        .filter((pl.col("held") != 0) | (pl.col("target") != 0))
        .sort("place", "code")
        .select("side", "code", "shares", "held", "target", "price", "value", "weight")
    )
    return found
