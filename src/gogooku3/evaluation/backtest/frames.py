"""A backtest as tables: its days, its holdings and its trades."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.backtest import Backtest

_SERIES = ("gross", "net", "traded", "commission", "spread", "impact", "borrow", "unfilled", "long", "short")
_REFUSALS = ("orders", "halted", "locked", "unborrowable", "limited", "unaffordable")


def daily_frame(result: Backtest) -> pl.DataFrame:
    """Return one row a session: returns, costs, legs, equity and orders; returns are null before the first trade."""
    columns: dict[str, object] = {"date": result.sessions.astype("datetime64[D]")}
    columns |= {name: getattr(result, name) for name in _SERIES}
    columns |= {"long_names": result.long_names, "short_names": result.short_names, "equity": result.equity}
    if result.ledger is not None:
        columns |= {
            name: getattr(result.ledger, name) for name in ("cash", "distributed", "in_lieu", "terminal")
        }
    columns |= {"ranked": result.ranked}
    columns |= {name: getattr(result.refusals, name) for name in _REFUSALS}
    return pl.DataFrame(columns, nan_to_null=True)


def holdings_frame(result: Backtest) -> pl.DataFrame:
    """Return one row a session and stock held at its close: ``date``, ``code``, ``shares`` or ``weight``.

    Raises:
        EvaluationError: The backtest kept no positions.
    """
    if result.positions is None:
        raise _unrecorded("positions")
    row, stock = np.nonzero(result.positions)
    return pl.DataFrame(
        {
            "date": result.sessions.astype("datetime64[D]")[row],
            "code": _codes(result, stock),
            _amount(result): result.positions[row, stock],
        }
    )


def trades_frame(result: Backtest) -> pl.DataFrame:
    """Return one row a trade, by date and code.

    Columns: ``date``, ``code``, ``side`` (buy or sell), ``shares`` or ``weight`` (positive), ``price``; ``value``
    (cash only), ``commission``, ``spread``, ``impact`` in currency units, or as shares of the equity for weights.

    Raises:
        EvaluationError: The backtest kept no trades.
    """
    trades = result.trades
    if trades is None:
        raise _unrecorded("trades")
    columns: dict[str, object] = {
        "date": result.sessions.astype("datetime64[D]")[trades.row],
        "code": _codes(result, trades.stock),
        "side": pl.Series(np.where(trades.amount > 0, "buy", "sell")).cast(pl.String),
        _amount(result): np.abs(trades.amount),
        "price": trades.price,
    }
    if result.ledger is not None:
        columns |= {"value": np.abs(trades.amount) * trades.price}
    columns |= {"commission": trades.commission, "spread": trades.spread, "impact": trades.impact}
    return pl.DataFrame(columns).sort("date", "code")


def _codes(result: Backtest, stock: np.ndarray) -> pl.Series:
    return pl.Series(result.codes, dtype=pl.String).gather(stock)


def _amount(result: Backtest) -> str:
    return "weight" if result.ledger is None else "shares"


def _unrecorded(what: str) -> EvaluationError:
    return EvaluationError(
        f"the backtest kept no {what}",
        remedy="run it with record = true",
    )
