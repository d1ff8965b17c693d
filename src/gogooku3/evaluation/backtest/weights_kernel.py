"""Compiled: tranches as shares of an equity that costs leave alone."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.evaluation.backtest import columns as c
from gogooku3.evaluation.backtest.kernel_types import Feed, Log, Step, Tables, Terms, Units

_HALTED, _LOCKED = 1, 2  # fill codes
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
    book = Units(np.zeros((terms.holding, stocks)), np.zeros(stocks), np.ones(stocks))
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
    """Return the profit of a part of the session, move the levels, and turn stocks that ended into cash."""
    profit = 0.0
    for n in range(book.total.size):
        moved = book.level[n] * _growth(step, n, part)
        if book.total[n] != 0.0:
            profit += book.total[n] * (moved - book.level[n])
        book.level[n] = moved
        if step.feed.end_row[n] == step.d and part != _DAY:
            book.total[n] = 0.0
            book.units[:, n] = 0.0
    return profit


@numba.njit(cache=True, error_model="numpy")
def _growth(step: Step, n: int, part: int) -> float:
    """Return one stock's gross return over a part of the session; without an opening price the day earns all."""
    if step.feed.end_row[n] == step.d:
        return float(step.feed.paid[n]) if part != _DAY else 1.0
    link = float(step.feed.link[step.d, n])
    if not np.isfinite(link):
        return 1.0
    if part == _WHOLE:
        return link
    day = float(step.feed.close[step.d, n] / step.feed.open_[step.d, n])
    if not (step.feed.open_[step.d, n] > 0 and np.isfinite(day)):
        return 1.0 if part == _NIGHT else link
    return link / day if part == _NIGHT else day


@numba.njit(cache=True, error_model="numpy")
def _short(book: Units) -> float:
    value = 0.0
    for n in range(book.total.size):
        if book.total[n] < 0:
            value -= book.total[n] * book.level[n]
    return value


@numba.njit(cache=True, error_model="numpy")
def _trade(step: Step, equity: float, book: Units) -> None:
    """Set one tranche to its targets as far as trading allows."""
    scored = step.d - step.terms.lag
    tranche, target = scored % step.terms.holding, step.feed.targets[scored]
    for n in range(target.size):
        weight = target[n] / step.terms.holding
        held, aim = book.units[tranche, n] * book.level[n], weight * equity
        step.row[c.WHOLE] += abs(weight)
        if aim == held:
            continue
        step.tally[c.ORDERS] += 1
        if step.feed.status[step.d, n] != 0:
            step.tally[c.HALTED] += step.feed.status[step.d, n] == _HALTED
            step.tally[c.LOCKED] += step.feed.status[step.d, n] == _LOCKED
            step.row[c.MISSED] += abs(weight)
            continue
        wanted = _lent(step, n, held, aim, book)
        wanted = _cut(step, n, held, wanted, equity)
        if wanted != aim:
            step.row[c.MISSED] += min(abs(aim - wanted) / equity, abs(weight))
        if wanted != held:
            _book(step, n, (wanted - held) / equity)
            book.units[tranche, n] = wanted / book.level[n]
            book.total[n] = book.units[:, n].sum()


@numba.njit(cache=True, error_model="numpy")
def _lent(step: Step, n: int, held: float, wanted: float, book: Units) -> float:
    """Return the wanted value, or the lowest that the account's own position covers without borrowing."""
    if step.feed.borrowable.shape[0] == 0 or step.feed.borrowable[step.d, n]:
        return wanted
    room = float(max(book.total[n], 0.0) * book.level[n])
    if held - wanted <= room * (1 + 1e-12):
        return wanted
    step.tally[c.UNBORROWABLE] += 1
    return held - room


@numba.njit(cache=True, error_model="numpy")
def _cut(step: Step, n: int, held: float, wanted: float, equity: float) -> float:
    """Return the wanted value, or the nearest that the largest share of daily turnover allows."""
    if step.terms.compared == 0 or wanted == held:
        return wanted
    limit = 0.0
    if step.feed.volatility[step.d, n] > 0 and step.feed.daily_turnover[step.d, n] > 0:
        limit = step.terms.participation * step.feed.daily_turnover[step.d, n] / step.terms.compared * equity
    if abs(wanted - held) <= limit:
        return wanted
    step.tally[c.LIMITED] += 1
    return held + limit if wanted > held else held - limit


@numba.njit(cache=True, error_model="numpy")
def _book(step: Step, n: int, change: float) -> None:
    """Write a trade and its costs."""
    size = abs(change)
    spread = size * step.feed.half_spread[step.d, n] if step.feed.half_spread.shape[0] else 0.0
    impact = 0.0
    if step.terms.compared > 0:
        share = size * step.terms.compared / step.feed.daily_turnover[step.d, n]
        rate = 0.5 * step.terms.gamma * share + step.terms.eta * share**step.terms.exponent
        impact = size * step.feed.volatility[step.d, n] * rate
    step.row[c.TRADED] += size
    step.row[c.COMMISSION] += size * step.terms.bps
    step.row[c.SPREAD] += spread
    step.row[c.IMPACT] += impact
    if step.terms.record:
        t = step.log.used[0]
        step.log.where[t, 0], step.log.where[t, 1] = step.d, n
        step.log.columns[t, c.AMOUNT] = change
        step.log.columns[t, c.PRICE] = (
            step.feed.open_[step.d, n] if step.terms.at_open else step.feed.close[step.d, n]
        )
        step.log.columns[t, c.FEE] = size * step.terms.bps
        step.log.columns[t, c.HALF_SPREAD], step.log.columns[t, c.IMPACT_PAID] = spread, impact
        step.log.used[0] += 1


@numba.njit(cache=True, error_model="numpy")
def _expose(step: Step, equity: float, book: Units) -> None:
    """Write what is held at the close."""
    for n in range(book.total.size):
        if book.total[n] > 0:
            step.row[c.LONG] += book.total[n] * book.level[n] / equity
            step.tally[c.LONG_NAMES] += 1
        elif book.total[n] < 0:
            step.row[c.SHORT] -= book.total[n] * book.level[n] / equity
            step.tally[c.SHORT_NAMES] += 1


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
