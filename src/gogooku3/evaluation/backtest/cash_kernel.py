"""Compiled: an account of shares and cash that pays its costs."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.evaluation.backtest import columns as c
from gogooku3.evaluation.backtest.kernel_types import Feed, Log, Shares, Step, Tables, Terms

_HALTED, _LOCKED = 1, 2  # fill codes
_WHOLE, _NIGHT, _DAY = 0, 1, 2  # parts of a session
_NEAR = 1e-9  # of a lot, or of a position in fractions: rounding of floats, no order
_SPLIT = 1e-6  # of the shares: rounding of a vendor's factors


@numba.njit(cache=True, error_model="numpy")
def run_cash(feed: Feed, terms: Terms) -> tuple[Tables, Log, int]:
    """Run the cash books; return tables, trades and the row of ruin or -1."""
    days, stocks = feed.link.shape
    tables = Tables(
        np.zeros((c.SERIES, days)),
        np.zeros((c.COUNTS, days), dtype=np.int64),
        np.zeros((days if terms.record else 0, stocks)),
    )
    book = Shares(
        np.zeros((terms.holding, stocks)),
        np.zeros(stocks),
        np.full(stocks, np.nan),
        np.zeros(stocks),
        np.zeros(stocks),
    )
    log = Log(np.empty((0, 2), np.int64), np.empty((0, c.TRADE_COLUMNS)), np.zeros(1, np.int64))
    cash, equity, ruined = terms.capital, terms.capital, -1
    for d in range(days):
        base, row, tally = equity, tables.series[:, d], tables.counts[:, d]
        row[c.BORROWED] = _value(book, -1.0) * feed.fee[d]
        log = _room(log, stocks, terms.record)
        step = Step(feed, terms, d, row, tally, log)
        cash += _mark(step, _NIGHT if terms.at_open else _WHOLE, book) - row[c.BORROWED]
        equity = cash + _value(book, 0.0)
        if equity > 0:
            if d >= terms.lag:
                cash -= _trade(step, cash, equity, book)
            if terms.at_open:
                cash += _mark(step, _DAY, book)
            equity = cash + _value(book, 0.0)
        row[c.EQUITY], row[c.CASH] = equity, cash
        _share(base, row)
        if equity <= 0:
            ruined = d
            break
        row[c.LONG], row[c.SHORT] = _value(book, 1.0) / equity, _value(book, -1.0) / equity
        tally[c.LONG_NAMES], tally[c.SHORT_NAMES] = (book.shares > 0).sum(), (book.shares < 0).sum()
        if terms.record:
            tables.positions[d] = book.shares
    return tables, log, ruined


@numba.njit(cache=True, error_model="numpy")
def _share(base: float, row: np.ndarray) -> None:
    """Turn the session's amounts of currency into shares of the equity before it."""
    costs = row[c.COMMISSION] + row[c.SPREAD] + row[c.IMPACT] + row[c.BORROWED]
    row[c.GROSS] = row[c.EQUITY] - base + costs
    for part in (c.GROSS, c.TRADED, c.COMMISSION, c.SPREAD, c.IMPACT, c.BORROWED):
        row[part] /= base


@numba.njit(cache=True, error_model="numpy")
def _value(book: Shares, sign: float) -> float:
    """Return the value of all shares (sign 0), or the absolute value of the long (1) or short ones (-1)."""
    value = 0.0
    for n in range(book.shares.size):
        if book.shares[n] != 0.0 and book.shares[n] * sign >= 0:
            value += book.shares[n] * book.price[n]
    return value * sign if sign != 0 else value


@numba.njit(cache=True, error_model="numpy")
def _mark(step: Step, part: int, book: Shares) -> float:
    """Move prices over a part of the session, splits and dividends included; return the cash received."""
    cash = 0.0
    for n in range(book.shares.size):
        if step.feed.end_row[n] == step.d and part != _DAY:
            if book.shares[n] != 0.0:
                received = book.shares[n] * book.price[n] * step.feed.paid[n]
                step.row[c.TERMINAL] += received
                cash += received
            book.shares[n] = 0.0
            book.plan[:, n] = 0.0
            continue
        opened = step.feed.open_[step.d, n] > 0 and np.isfinite(step.feed.link[step.d, n])
        if not step.feed.close[step.d, n] > 0 or (part == _NIGHT and not opened):
            continue
        mark = step.feed.open_[step.d, n] if part == _NIGHT else step.feed.close[step.d, n]
        if not (part == _DAY and opened) and book.price[n] > 0:
            cash += _corporate_action(step, n, mark, book)
        book.price[n] = mark
    return cash


@numba.njit(cache=True, error_model="numpy")
def _corporate_action(step: Step, n: int, mark: float, book: Shares) -> float:
    """Apply a change of the adjustment factor to one stock; return the cash received."""
    broken = not np.isfinite(step.feed.link[step.d, n])
    factor = book.price[n] / mark if broken else step.feed.ratio[step.d, n]
    if factor == 1.0 or not factor > 0:
        return 0.0
    if not broken and abs(factor - 1.0) < step.terms.split_from:
        received = float(book.shares[n] * mark * (factor - 1.0))
        step.row[c.DISTRIBUTED] += received
        return received
    book.plan[:, n] *= factor
    whole = book.shares[n] * factor
    kept = whole
    if step.terms.lot > 0:
        nearest = np.rint(whole)
        kept = nearest if abs(whole - nearest) <= _SPLIT * abs(whole) else np.trunc(whole)
    book.shares[n] = kept
    step.row[c.IN_LIEU] += (whole - kept) * mark
    return float((whole - kept) * mark)


@numba.njit(cache=True, error_model="numpy")
def _trade(step: Step, cash: float, equity: float, book: Shares) -> float:
    """Plan, then sell, then buy; return the cash spent."""
    target = step.feed.targets[step.d - step.terms.lag]
    tranche = (step.d - step.terms.lag) % step.terms.holding
    for n in range(target.size):
        book.order[n] = book.aim[n] = 0.0
        weight = target[n] / step.terms.holding
        step.row[c.WHOLE] += abs(weight)
        if step.feed.status[step.d, n] != 0:
            if weight != 0.0 or book.plan[tranche, n] != 0.0:
                step.tally[c.ORDERS] += 1
                step.tally[c.HALTED] += step.feed.status[step.d, n] == _HALTED
                step.tally[c.LOCKED] += step.feed.status[step.d, n] == _LOCKED
                step.row[c.MISSED] += abs(weight)
        elif weight != 0.0 or book.plan[tranche, n] != 0.0 or book.shares[n] != book.plan[:, n].sum():
            _plan(step, n, weight * equity / book.price[n], book)
    spent = _execute(step, False, book)
    if step.terms.long_only:
        _afford(step, cash - spent, book)
    spent += _execute(step, True, book)
    for n in range(target.size):
        if book.aim[n] != book.order[n]:
            short_of = abs(book.aim[n] - book.order[n]) * book.price[n] / equity
            step.row[c.MISSED] += min(short_of, abs(target[n]) / step.terms.holding)
    return spent


@numba.njit(cache=True, error_model="numpy")
def _plan(step: Step, n: int, wanted: float, book: Shares) -> None:
    """Set one tranche's plan in one stock, and the order that brings the account to the sum of its plans."""
    tranche = (step.d - step.terms.lag) % step.terms.holding
    held, whole, shares = book.plan[tranche, n], book.plan[:, n].sum(), book.shares[n]
    book.plan[tranche, n] = wanted
    aim = order = _order(book.plan[:, n].sum(), shares, step.terms.lot)
    if step.feed.borrowable.shape[0] and not step.feed.borrowable[step.d, n]:
        refused = held - wanted > max(whole, 0.0) * (1 + 1e-12)
        if refused:
            book.plan[tranche, n] = held - max(whole, 0.0)
            order = _order(book.plan[:, n].sum(), shares, step.terms.lot)
        if shares + order < min(shares, 0.0):
            order, refused = -max(shares, 0.0), True
        step.tally[c.UNBORROWABLE] += refused
    step.tally[c.ORDERS] += aim != 0.0
    if step.terms.compared > 0 and order != 0.0:
        limit = 0.0
        if step.feed.volatility[step.d, n] > 0 and step.feed.daily_turnover[step.d, n] > 0:
            limit = step.terms.participation * step.feed.daily_turnover[step.d, n] / book.price[n]
        if not abs(order) <= limit:
            limit = np.floor(limit / step.terms.lot) * step.terms.lot if step.terms.lot > 0 else limit
            order = limit if order > 0 else -limit
            step.tally[c.LIMITED] += 1
    book.order[n], book.aim[n] = order, aim


@numba.njit(cache=True, error_model="numpy")
def _order(plan: float, shares: float, lot: float) -> float:
    """Return the shares to trade: whole lots, so that no more is held than planned; an exit sells odd shares too."""
    if lot == 0:
        near = abs(plan - shares) <= _NEAR * abs(plan)
        return 0.0 if near else plan - shares
    if plan == 0:
        return -shares
    if plan * shares <= 0:
        return float(np.trunc(plan / lot * (1 + _NEAR)) * lot - shares)
    sign = 1.0 if shares > 0 else -1.0
    more = (abs(plan) - abs(shares)) / lot
    if more >= 0:
        return float(sign * np.floor(more + _NEAR) * lot)
    return float(-sign * min(np.ceil(-more - _NEAR) * lot, abs(shares)))


@numba.njit(cache=True, error_model="numpy")
def _cost(step: Step, n: int, value: float) -> tuple[float, float, float]:
    """Return commission, half-spread and impact of trading a value."""
    spread = value * step.feed.half_spread[step.d, n] if step.feed.half_spread.shape[0] else 0.0
    impact = 0.0
    if step.terms.compared > 0:
        share = value / step.feed.daily_turnover[step.d, n]
        rate = 0.5 * step.terms.gamma * share + step.terms.eta * share**step.terms.exponent
        impact = value * step.feed.volatility[step.d, n] * rate
    return value * step.terms.bps, spread, impact


@numba.njit(cache=True, error_model="numpy")
def _afford(step: Step, cash: float, book: Shares) -> None:
    """Cut purchases by one factor to what the cash pays, costs included; a smaller order costs less per share."""
    need = 0.0
    for n in range(book.order.size):
        if book.order[n] > 0:
            value = book.order[n] * book.price[n]
            need += value + sum(_cost(step, n, value))
    if need <= cash:
        return
    factor = max(cash, 0.0) / need * (1 - 1e-12)
    for n in range(book.order.size):
        if book.order[n] > 0:
            less = book.order[n] * factor
            book.order[n] = np.floor(less / step.terms.lot) * step.terms.lot if step.terms.lot > 0 else less
            step.tally[c.UNAFFORDABLE] += 1


@numba.njit(cache=True, error_model="numpy")
def _execute(step: Step, buys: bool, book: Shares) -> float:
    """Trade the purchases or the sales; return the cash spent."""
    spent = 0.0
    for n in range(book.order.size):
        order = book.order[n]
        if order == 0.0 or (order > 0) != buys:
            continue
        value = abs(order) * book.price[n]
        commission, spread, impact = _cost(step, n, value)
        step.row[c.TRADED] += value
        step.row[c.COMMISSION] += commission
        step.row[c.SPREAD] += spread
        step.row[c.IMPACT] += impact
        spent += order * book.price[n] + commission + spread + impact
        book.shares[n] += order
        if step.terms.record:
            t = step.log.used[0]
            step.log.where[t, 0], step.log.where[t, 1] = step.d, n
            step.log.columns[t, c.AMOUNT], step.log.columns[t, c.PRICE] = order, book.price[n]
            step.log.columns[t, c.FEE] = commission
            step.log.columns[t, c.HALF_SPREAD], step.log.columns[t, c.IMPACT_PAID] = spread, impact
            step.log.used[0] += 1
    return spent


@numba.njit(cache=True, error_model="numpy")
def _room(log: Log, stocks: int, record: bool) -> Log:
    """Return a log with room for a trade in every stock."""
    used, capacity = log.used[0], log.where.shape[0]
    if not record or used + stocks <= capacity:
        return log
    larger = max(2 * capacity, used + stocks, 1024)
    where, columns = np.empty((larger, 2), np.int64), np.empty((larger, c.TRADE_COLUMNS))
    where[:used], columns[:used] = log.where[:used], log.columns[:used]
    return Log(where, columns, log.used)
