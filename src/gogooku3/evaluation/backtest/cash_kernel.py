"""Compiled: an account of shares and cash that pays its costs."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.evaluation.backtest import columns as c
from gogooku3.evaluation.backtest.kernel_types import Feed, Log, Shares, Step, Tables, Terms

_HALTED = 1  # fill code
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
    z = np.zeros((7, stocks))
    plan, price = np.zeros((stocks, terms.holding)), np.full(stocks, np.nan)
    book = Shares(plan, price, z[0], z[1], z[2], z[3], z[4], z[5], z[6])
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
    value, shares, price = 0.0, book.shares, book.price
    for n in range(shares.size):
        if shares[n] != 0.0 and shares[n] * sign >= 0:
            value += shares[n] * price[n]
    return value * sign if sign != 0 else value


@numba.njit(cache=True, error_model="numpy")
def _mark(step: Step, part: int, book: Shares) -> float:
    """Move prices over a part of the session, splits and dividends included; return the cash received."""
    cash = _end(step, book) if part != _DAY else 0.0
    link, ratio = step.feed.link[step.d], step.feed.ratio[step.d]
    open_, close, price = step.feed.open_[step.d], step.feed.close[step.d], book.price
    for n in range(close.size):
        opened = open_[n] > 0 and np.isfinite(link[n])
        if not close[n] > 0 or (part == _NIGHT and not opened):
            continue
        mark = open_[n] if part == _NIGHT else close[n]
        unchanged = ratio[n] == 1.0 and np.isfinite(link[n])
        if not unchanged and not (part == _DAY and opened) and price[n] > 0:
            cash += _corporate_action(step, n, mark, book)
        price[n] = mark
    return cash


@numba.njit(cache=True, error_model="numpy")
def _end(step: Step, book: Shares) -> float:
    """Turn stocks that ended into cash; return it."""
    cash = 0.0
    for n in range(book.shares.size):
        if step.feed.end_row[n] == step.d:
            if book.shares[n] != 0.0:
                cash += book.shares[n] * book.price[n] * step.feed.paid[n]
            book.shares[n] = book.whole[n] = 0.0
            book.plan[n] = 0.0
    step.row[c.TERMINAL] += cash
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
    book.plan[n] *= factor
    book.whole[n] = book.plan[n].sum()
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
    _plan(step, equity, book)
    _borrow(step, book)
    _limit(step, book)
    spent = _execute(step, False, book)
    if step.terms.long_only:
        _afford(step, cash - spent, book)
    spent += _execute(step, True, book)
    target, most = step.feed.targets[step.d - step.terms.lag], 1.0 / step.terms.holding
    order, aim, price, missed = book.order, book.aim, book.price, 0.0
    for n in range(target.size):
        if aim[n] != order[n]:
            missed += min(abs(aim[n] - order[n]) * price[n] / equity, abs(target[n]) * most)
    step.row[c.MISSED] += missed
    return spent


@numba.njit(cache=True, error_model="numpy")
def _plan(step: Step, equity: float, book: Shares) -> None:
    """Set one tranche's plan, and write the orders that bring the account to the sum of all plans."""
    scored, holding, lot = step.d - step.terms.lag, step.terms.holding, step.terms.lot
    tranche, target, status = scored % holding, step.feed.targets[scored], step.feed.status[step.d]
    plan, whole, shares, price, tally = book.plan, book.whole, book.shares, book.price, step.tally
    order, aim, before = book.order, book.aim, book.before
    asked, missed = 0.0, 0.0
    for n in range(target.size):
        order[n] = aim[n] = 0.0
        before[n] = plan[n, tranche]
        idle = target[n] == 0.0 and before[n] == 0.0
        if idle and (status[n] != 0 or shares[n] == whole[n]):
            continue
        asked += abs(target[n]) / holding
        if status[n] != 0:
            missed += abs(target[n]) / holding
            tally[c.ORDERS] += 1
            tally[c.HALTED if status[n] == _HALTED else c.LOCKED] += 1
            continue
        plan[n, tranche] = target[n] / holding * equity / price[n]
        whole[n] = 0.0
        for k in range(holding):
            whole[n] += plan[n, k]
        order[n] = aim[n] = _order(whole[n], shares[n], lot)
        tally[c.ORDERS] += aim[n] != 0.0
    step.row[c.WHOLE], step.row[c.MISSED] = asked, missed


@numba.njit(cache=True, error_model="numpy")
def _borrow(step: Step, book: Shares) -> None:
    """Cut sales of what cannot be borrowed to what the account's own position covers, in plan and order."""
    if step.feed.borrowable.shape[0] == 0:
        return
    lent, lot = step.feed.borrowable[step.d], step.terms.lot
    tranche = (step.d - step.terms.lag) % step.terms.holding
    plan, whole, shares, order, before = book.plan, book.whole, book.shares, book.order, book.before
    for n in range(order.size):
        if lent[n]:
            continue
        less = before[n] - plan[n, tranche]
        room = max(whole[n] + less, 0.0)
        refused = less > room * (1 + 1e-12) and less > _NEAR * abs(before[n])
        if refused:
            plan[n, tranche] = before[n] - room
            whole[n] = plan[n].sum()
            order[n] = _order(whole[n], shares[n], lot)
        if shares[n] + order[n] < min(shares[n], 0.0):
            order[n], refused = -max(shares[n], 0.0), True
        step.tally[c.UNBORROWABLE] += refused


@numba.njit(cache=True, error_model="numpy")
def _limit(step: Step, book: Shares) -> None:
    """Cut orders to the largest share of daily turnover; without a volatility and a turnover none is filled."""
    if step.terms.compared == 0:
        return
    most, lot = step.terms.participation, step.terms.lot
    sigma, daily = step.feed.volatility[step.d], step.feed.daily_turnover[step.d]
    order, price = book.order, book.price
    for n in range(order.size):
        if order[n] == 0.0:
            continue
        limit = most * daily[n] / price[n] if sigma[n] > 0 and daily[n] > 0 else 0.0
        if abs(order[n]) <= limit:
            continue
        limit = np.floor(limit / lot) * lot if lot > 0 else limit
        order[n] = limit if order[n] > 0 else -limit
        step.tally[c.LIMITED] += 1


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
def _afford(step: Step, cash: float, book: Shares) -> None:
    """Cut purchases by one factor to what the cash pays, costs included; a smaller order costs less per share."""
    order, price, lot, need = book.order, book.price, step.terms.lot, 0.0
    _price(step, True, book)
    for n in range(order.size):
        if order[n] > 0:
            need += order[n] * price[n] * (1.0 + step.terms.bps + book.spread[n] + book.impact[n])
    if need <= cash:
        return
    factor = max(cash, 0.0) / need * (1 - 1e-12)
    for n in range(order.size):
        if order[n] > 0:
            less = order[n] * factor
            order[n] = np.floor(less / lot) * lot if lot > 0 else less
            step.tally[c.UNAFFORDABLE] += 1


@numba.njit(cache=True, error_model="numpy")
def _price(step: Step, buys: bool, book: Shares) -> None:
    """Write half-spread and impact of the purchases or the sales, as fractions of their value."""
    eta, power, gamma = step.terms.eta, step.terms.exponent, step.terms.gamma
    half_spread, sigma, daily, d = (
        step.feed.half_spread,
        step.feed.volatility,
        step.feed.daily_turnover,
        step.d,
    )
    order, price, spread, impact = book.order, book.price, book.spread, book.impact
    for n in range(order.size):
        if order[n] == 0.0 or (order[n] > 0) != buys:
            continue
        spread[n] = half_spread[d, n] if half_spread.shape[0] else 0.0
        impact[n] = 0.0
        if daily.shape[0]:
            share = abs(order[n]) * price[n] / daily[d, n]
            impact[n] = sigma[d, n] * (0.5 * gamma * share + eta * share**power)


@numba.njit(cache=True, error_model="numpy")
def _execute(step: Step, buys: bool, book: Shares) -> float:
    """Trade the purchases or the sales; return the cash spent."""
    _price(step, buys, book)
    order, price, shares, spread, impact = book.order, book.price, book.shares, book.spread, book.impact
    d, row, where, columns, used = step.d, step.row, step.log.where, step.log.columns, step.log.used
    bps, record, spent = step.terms.bps, step.terms.record, 0.0
    for n in range(order.size):
        if order[n] == 0.0 or (order[n] > 0) != buys:
            continue
        value = abs(order[n]) * price[n]
        row[c.TRADED] += value
        row[c.COMMISSION] += value * bps
        row[c.SPREAD] += value * spread[n]
        row[c.IMPACT] += value * impact[n]
        spent += order[n] * price[n] + value * (bps + spread[n] + impact[n])
        shares[n] += order[n]
        if record:
            t = used[0]
            where[t, 0], where[t, 1] = d, n
            columns[t, c.AMOUNT], columns[t, c.PRICE], columns[t, c.FEE] = order[n], price[n], value * bps
            columns[t, c.HALF_SPREAD], columns[t, c.IMPACT_PAID] = value * spread[n], value * impact[n]
            used[0] += 1
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
