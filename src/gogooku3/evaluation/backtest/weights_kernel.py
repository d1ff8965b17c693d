"""Compiled: tranches as shares of an equity that costs leave alone."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.evaluation.backtest import columns as c
from gogooku3.evaluation.backtest.kernel_types import Feed, Log, Step, Tables, Terms, Units

_HALTED = 1  # fill code
_WHOLE, _NIGHT, _DAY = 0, 1, 2  # parts of a session


@numba.njit(cache=True, error_model="numpy")
def run_weights(feed: Feed, terms: Terms) -> tuple[Tables, Log, int]:
    """Run the weights books; return tables, trades and the row of ruin or -1."""
    days, stocks = feed.link.shape
    tables = Tables(
        np.zeros((c.SERIES, days)),
        np.zeros((c.COUNTS, days), dtype=np.int64),
        np.zeros((days if terms.record else 0, stocks)),
    )
    zeros = np.zeros((4, stocks))
    book = Units(np.zeros((stocks, terms.holding)), zeros[0], np.ones(stocks), zeros[1], zeros[2], zeros[3])
    log = Log(np.empty((0, 2), np.int64), np.empty((0, c.TRADE_COLUMNS)), np.zeros(1, np.int64))
    equity, ruined = 1.0, -1
    for d in range(days):
        base, row, tally = equity, tables.series[:, d], tables.counts[:, d]
        row[c.BORROWED] = _short(book) / base * feed.fee[d]
        log = _room(log, stocks, terms.record)
        step = Step(feed, terms, d, row, tally, log)
        equity += _mark(step, _NIGHT if terms.at_open else _WHOLE, book)
        if equity > 0:
            if d >= terms.lag:
                _trade(step, equity, book)
            if terms.at_open:
                equity += _mark(step, _DAY, book)
        row[c.GROSS] = (equity - base) / base
        row[c.EQUITY] = equity
        if equity <= 0:
            ruined = d
            break
        _expose(step, equity, book)
        if terms.record:
            tables.positions[d] = book.total * book.level / equity
    return tables, log, ruined


@numba.njit(cache=True, error_model="numpy")
def _mark(step: Step, part: int, book: Units) -> float:
    """Return the profit of a part of the session, and move the levels; what ended is paid first and then gone."""
    profit = _end(step, book) if part != _DAY else 0.0
    total, level = book.total, book.level
    link, open_, close = step.feed.link[step.d], step.feed.open_[step.d], step.feed.close[step.d]
    for n in range(total.size):
        gross = link[n] if np.isfinite(link[n]) else 1.0
        if part != _WHOLE:
            day = close[n] / open_[n] if np.isfinite(link[n]) else 1.0
            priced = open_[n] > 0 and np.isfinite(day)  # without an opening price the day earns all
            night, rest = (gross / day, day) if priced else (1.0, gross)
            gross = night if part == _NIGHT else rest
        moved = level[n] * gross
        profit += total[n] * (moved - level[n])
        level[n] = moved
    return profit


@numba.njit(cache=True, error_model="numpy")
def _end(step: Step, book: Units) -> float:
    """Return the profit of stocks that ended, and turn them into cash."""
    profit = 0.0
    for n in range(book.total.size):
        if step.feed.end_row[n] == step.d:
            profit += book.total[n] * book.level[n] * (step.feed.paid[n] - 1.0)
            book.total[n] = 0.0
            book.units[n] = 0.0
    return profit


@numba.njit(cache=True, error_model="numpy")
def _short(book: Units) -> float:
    value, total, level = 0.0, book.total, book.level
    for n in range(total.size):
        value -= min(total[n], 0.0) * level[n]
    return value


@numba.njit(cache=True, error_model="numpy")
def _trade(step: Step, equity: float, book: Units) -> None:
    """Set one tranche to its targets as far as trading allows."""
    _aim(step, equity, book)
    _borrow(step, book)
    _limit(step, equity, book)
    _settle(step, equity, book)
    target, most = step.feed.targets[step.d - step.terms.lag], 1.0 / step.terms.holding
    aim, wanted, missed = book.aim, book.wanted, 0.0
    for n in range(target.size):
        if aim[n] != wanted[n]:
            missed += min(abs(aim[n] - wanted[n]) / equity, abs(target[n]) * most)
    step.row[c.MISSED] += missed


@numba.njit(cache=True, error_model="numpy")
def _aim(step: Step, equity: float, book: Units) -> None:
    """Write what the tranche holds and wants, in value; it wants what it holds where orders are not filled."""
    scored, holding = step.d - step.terms.lag, step.terms.holding
    tranche, target, status = scored % holding, step.feed.targets[scored], step.feed.status[step.d]
    units, level, held, wanted, aim = book.units, book.level, book.held, book.wanted, book.aim
    tally = step.tally
    whole, missed = 0.0, 0.0
    for n in range(target.size):
        aim[n] = held[n] = wanted[n] = units[n, tranche] * level[n]
        if target[n] == 0.0 and held[n] == 0.0:
            continue
        weight = abs(target[n]) / holding
        whole += weight
        tally[c.ORDERS] += 1
        if status[n] == 0:
            aim[n] = wanted[n] = target[n] / holding * equity
            continue
        missed += weight
        tally[c.HALTED if status[n] == _HALTED else c.LOCKED] += 1
    step.row[c.WHOLE], step.row[c.MISSED] = whole, missed


@numba.njit(cache=True, error_model="numpy")
def _borrow(step: Step, book: Units) -> None:
    """Cut sales of what cannot be borrowed to what the account's own position covers."""
    if step.feed.borrowable.shape[0] == 0:
        return
    lent, total, level, held, wanted = (
        step.feed.borrowable[step.d],
        book.total,
        book.level,
        book.held,
        book.wanted,
    )
    for n in range(wanted.size):
        room = max(total[n], 0.0) * level[n]
        if lent[n] or held[n] - wanted[n] <= room * (1 + 1e-12):
            continue
        step.tally[c.UNBORROWABLE] += 1
        wanted[n] = held[n] - room


@numba.njit(cache=True, error_model="numpy")
def _limit(step: Step, equity: float, book: Units) -> None:
    """Cut orders to the largest share of daily turnover; without a volatility and a turnover none is filled."""
    if step.terms.compared == 0:
        return
    scale = step.terms.participation / step.terms.compared * equity
    sigma, daily = step.feed.volatility[step.d], step.feed.daily_turnover[step.d]
    held, wanted = book.held, book.wanted
    for n in range(wanted.size):
        change = wanted[n] - held[n]
        limit = scale * daily[n] if sigma[n] > 0 and daily[n] > 0 else 0.0
        if abs(change) <= limit:
            continue
        step.tally[c.LIMITED] += 1
        wanted[n] = held[n] + (limit if change > 0 else -limit)


@numba.njit(cache=True, error_model="numpy")
def _settle(step: Step, equity: float, book: Units) -> None:
    """Trade what is wanted, and write what it costs."""
    tranche = (step.d - step.terms.lag) % step.terms.holding
    bps, eta, power, gamma = step.terms.bps, step.terms.eta, step.terms.exponent, step.terms.gamma
    compared, record = step.terms.compared, step.terms.record
    half_spread, sigma, daily = step.feed.half_spread, step.feed.volatility, step.feed.daily_turnover
    price = step.feed.open_[step.d] if step.terms.at_open else step.feed.close[step.d]
    units, total, level, held, wanted = book.units, book.total, book.level, book.held, book.wanted
    d, row, where, columns, used = step.d, step.row, step.log.where, step.log.columns, step.log.used
    for n in range(wanted.size):
        if wanted[n] == held[n]:
            continue
        change = (wanted[n] - held[n]) / equity
        size, impact = abs(change), 0.0
        spread = size * half_spread[d, n] if half_spread.shape[0] else 0.0
        if compared > 0:
            share = size * compared / daily[d, n]
            impact = size * sigma[d, n] * (0.5 * gamma * share + eta * share**power)
        row[c.TRADED] += size
        row[c.COMMISSION] += size * bps
        row[c.SPREAD] += spread
        row[c.IMPACT] += impact
        units[n, tranche] = wanted[n] / level[n]
        total[n] = 0.0
        for k in range(units.shape[1]):
            total[n] += units[n, k]
        if record:
            t = used[0]
            where[t, 0], where[t, 1] = d, n
            columns[t, c.AMOUNT], columns[t, c.PRICE], columns[t, c.FEE] = change, price[n], size * bps
            columns[t, c.HALF_SPREAD], columns[t, c.IMPACT_PAID] = spread, impact
            used[0] += 1


@numba.njit(cache=True, error_model="numpy")
def _expose(step: Step, equity: float, book: Units) -> None:
    """Write what is held at the close."""
    total, level = book.total, book.level
    long, short, longs, shorts = 0.0, 0.0, 0, 0
    for n in range(total.size):
        long += max(total[n], 0.0) * level[n]
        short -= min(total[n], 0.0) * level[n]
        longs += total[n] > 0
        shorts += total[n] < 0
    step.row[c.LONG], step.row[c.SHORT] = long / equity, short / equity
    step.tally[c.LONG_NAMES], step.tally[c.SHORT_NAMES] = longs, shorts


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
