"""The orders that a ranking leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from gogooku3.errors import DataError, PanelError
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.holdings import Holdings, refuse_other_codes
from gogooku3.pipeline.orders import Orders, make_orders
from gogooku3.pipeline.own_prices import are_own_prices
from gogooku3.pipeline.predict_checks import shown
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.target_weights import target_weights


@dataclass(frozen=True, eq=False, kw_only=True)
class Account:
    """What is held, and how much a leg may be worth.

    Attributes:
        holdings: Stocks and money.
        capital: Yen; the value of all that is held, money included, if None.
    """

    holdings: Holdings
    capital: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Trading:
    """Orders, and what is to be said of them.

    Attributes:
        orders: The orders.
        cash: Yen before they are carried out; None if it is not known.
        warnings: Sentences.
    """

    orders: Orders
    cash: float | None
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the orders with their figures."""
        one = self.orders
        after = None if self.cash is None else round(self.cash - one.spent - one.cost, 2)
        return {
            "capital": one.capital,
            "kept_back_for_costs": round(one.kept_back, 2),
            "estimated_cost": round(one.cost, 2),
            "cash_before": self.cash,
            "cash_after": after,
            "held_without_bar": list(one.untraded),
            "held_not_in_panel": list(one.unknown),
            "trades": one.table.to_dicts(),
        }


def trade_ranking(
    run: Run, panel: Panel, ranked: pl.DataFrame, of: tuple[int, Target], account: Account
) -> Trading:
    """Return the orders that lead from an account to the portfolio of a ranking, at the session's closes.

    Args:
        run: Whose settings say lot, portfolio, buffer and cost.
        panel: The panel.
        ranked: ``code`` and ``score_<target>``.
        of: Index of the session, and the target whose score is traded.
        account: What there is.

    Raises:
        PanelError: The panel keeps no prices.
        DataError: There is no capital, or no ranking to trade on; the holdings write codes otherwise.
    """
    settings = run.settings.predict
    day, target = of
    names = _names(panel, day)
    held = account.holdings.shares
    refuse_other_codes(held, panel.codes)
    both = names.join(ranked.select("code", score=f"score_{target}"), on="code", how="left").join(
        held, on="code", how="left"
    )
    both = both.sort("code")
    weights = target_weights(
        both["score"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        both["shares"].fill_null(0).to_numpy(),
        settings.construction(run.settings.evaluation.portfolio),
        buffer=settings.buffer,
    )
    orders = make_orders(
        both.select("code", "price", "tradable").with_columns(weight=pl.Series(weights)),
        held,
        capital=_capital(account, names),
        lot=settings.lot,
        cost_bps=run.settings.evaluation.portfolio.cost_bps,
    )
    cash = account.holdings.cash
    return Trading(orders=orders, cash=cash, warnings=tuple(_warnings(run, orders, cash)))


def _names(panel: Panel, day: int) -> pl.DataFrame:
    """Return ``code``, the last close up to the session, and whether it is that session's."""
    if not {"close", "factor"} <= set(panel.field_names):
        raise PanelError(
            "a panel without prices gives no orders",
            got=", ".join(panel.field_names) or "no market fields",
            expected="close and factor",
            remedy="build the panel from bars, or leave out --holdings and --capital",
        )
    close = panel.grid("close")[: day + 1]
    known = np.isfinite(close)
    last = day - np.argmax(known[::-1], axis=0)
    price = np.where(known.any(axis=0), close[last, np.arange(close.shape[1])], np.nan)
    return pl.DataFrame({"code": panel.codes, "price": price, "tradable": known[day]}).with_columns(
        pl.col("price").fill_nan(None)
    )


def _capital(account: Account, names: pl.DataFrame) -> float:
    if account.capital is not None:
        return account.capital
    held = account.holdings.shares.join(names, on="code", how="inner")
    value = float(held.select((pl.col("shares") * pl.col("price")).alias("value"))["value"].sum())
    whole = value + (account.holdings.cash or 0.0)
    if not whole > 0:
        raise DataError(
            "there is no capital to invest",
            got=f"holdings of {value:,.0f} yen, cash of {account.holdings.cash or 0.0:,.0f}",
            expected="more than 0 yen",
            remedy="say it with --capital, or with a row `cash` of the holdings",
        )
    return whole


def _warnings(run: Run, orders: Orders, cash: float | None) -> list[str]:
    found = []
    if orders.unknown:
        found.append(f"held and not in the panel, left as they are: {shown(orders.unknown)}")
    if orders.untraded:
        found.append(f"held without a bar on the session, left as they are: {shown(orders.untraded)}")
    if cash is not None and cash - orders.spent - orders.cost < 0:
        lacking = orders.spent + orders.cost - cash
        found.append(f"the trades need {lacking:,.0f} yen more than there is cash")
    if not are_own_prices(run):
        found.append(
            "prices may not be those that are traded at, and lots may be too many or too few by every split since the "
            "panel was built: only bars with a factor of the day, such as J-Quants', are known not to be adjusted; "
            "after a split build the panel anew"
        )
    return found
