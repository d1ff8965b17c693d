"""What a backtest found, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogooku3.axes import BoolD, FloatD, FloatDN, IntD
from gogooku3.evaluation.backtest.settings import BacktestSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Refusals:
    """Orders, and why they were not filled; counts of stocks per session, [D].

    Attributes:
        orders: Stocks whose position was to change.
        halted: Orders on a day without a bar, a trusted link, a trade or, at the open, an opening price.
        locked: Orders on a day locked at the daily limit.
        unborrowable: Short sales, wholly or in part, of stocks that could not be borrowed.
        limited: Orders cut to the largest share of daily turnover.
        unaffordable: Purchases cut to the cash there was.
    """

    orders: IntD
    halted: IntD
    locked: IntD
    unborrowable: IntD
    limited: IntD
    unaffordable: IntD


@dataclass(frozen=True, eq=False, kw_only=True)
class Ledger:
    """Cash of the cash books, currency units; money in is money out, [D].

    ``cash[d] - cash[d - 1]`` is the sum of ``distributed``, ``in_lieu`` and ``terminal``, less the borrowing fee and,
    for each trade, amount x price and its costs.

    Attributes:
        cash: At the close, short sales included.
        distributed: Dividends received, less those paid on short positions.
        in_lieu: For the fractions of shares that a split left.
        terminal: From stocks that ended.
    """

    cash: FloatD
    distributed: FloatD
    in_lieu: FloatD
    terminal: FloatD


@dataclass(frozen=True, eq=False, kw_only=True)
class Trades:
    """Every trade, in order of session; at most one sale or purchase a stock and session, [T].

    Attributes:
        row: Session.
        stock: Column of the stock.
        amount: Shares (cash) or share of the equity (weights), negative for a sale.
        price: Price per share.
        commission, spread, impact: What it cost, currency units (cash) or shares of the equity (weights).
    """

    row: np.ndarray
    stock: np.ndarray
    amount: np.ndarray
    price: np.ndarray
    commission: np.ndarray
    spread: np.ndarray
    impact: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Backtest:
    """Daily results; NaN before the first trade.

    Returns, costs and ``traded`` are shares of an equity: with weights, of that at the previous close for returns
    and borrowing and of that at the trade for trading and its costs; with cash, always of that at the previous close.

    Attributes:
        settings: What was simulated.
        sessions: datetime64[D] array, [D].
        codes: Stock codes, length N.
        gross: Return from the previous close to this one, before costs, [D].
        traded: Sum of absolute changes, [D].
        commission, spread, impact, borrow: Costs, [D].
        unfilled: Share of the session's target weight that was not reached, roundings to lots left out; NaN where
            there was no target, [D].
        long, short: Value of each leg at the close over the equity, both positive, [D].
        long_names, short_names: Stocks in each leg, [D].
        equity: At the close; from 1 and before costs (weights), or in currency units and after them (cash), [D].
        ranked: False where a session's score has no ranking, [D].
        refusals: Orders, and those that were not filled.
        ledger: Cash; None for weights.
        positions: Shares (cash) or weights held at each close, [D, N]; None unless asked for.
        trades: None unless asked for.
        ruined: Row on which the equity fell to zero or below, after which nothing is held; None if never.
    """

    settings: BacktestSettings
    sessions: np.ndarray
    codes: tuple[str, ...]
    gross: FloatD
    traded: FloatD
    commission: FloatD
    spread: FloatD
    impact: FloatD
    borrow: FloatD
    unfilled: FloatD
    long: FloatD
    short: FloatD
    long_names: IntD
    short_names: IntD
    equity: FloatD
    ranked: BoolD
    refusals: Refusals
    ledger: Ledger | None
    positions: FloatDN | None
    trades: Trades | None
    ruined: int | None

    @cached_property
    def net(self) -> FloatD:
        """Return after all costs, [D]."""
        after: FloatD = self.gross - self.commission - self.spread - self.impact - self.borrow
        return after

    @property
    def turnover(self) -> FloatD:
        """Half the sum of absolute changes, [D]."""
        half: FloatD = self.traded / 2
        return half
