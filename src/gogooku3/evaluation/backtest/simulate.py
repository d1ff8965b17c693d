"""The strict backtest."""

from __future__ import annotations

import math

import numpy as np

from gogooku3.axes import FloatD, FloatDN
from gogooku3.evaluation.backtest import columns as c
from gogooku3.evaluation.backtest.backtest import Backtest, Ledger, Refusals, Trades
from gogooku3.evaluation.backtest.cost_grids import CostGrids
from gogooku3.evaluation.backtest.kernel_types import Feed, Log, Tables, Terms
from gogooku3.evaluation.backtest.prepared import Prepared, prepare
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.tape import Tape


def backtest(
    score: FloatDN,
    tape: Tape,
    settings: BacktestSettings,
    *,
    costs: CostGrids | None = None,
    record: bool = False,
) -> Backtest:
    """Trade a score with overlapping tranches.

    The score of session t is entered on session t + lag, at its close or open, by tranche ``t mod holding``, whose
    target is 1 / holding of the equity at that moment times the weights of ``construct``. It is held, drifting with
    returns, until the same tranche is set to its next target ``holding`` sessions later; a session without a ranking
    sends it to cash. Entered at the close, its first return is that of the next session.

    What cannot be filled (``fill_status``) leaves the tranche's position as it is. A short sale needs a stock that is
    borrowable on that session, in so far as the account's own position does not cover it; positions that leave the
    list are kept. A missing link earns 0 that day, the next one carries the whole move. A stock that ended pays its
    terminal return (0, the last price, where none is known) on the session after its last bar, then is cash,
    untraded. Tranches share one account: fees and legs are of the net position of each stock.

    ``weights`` are shares of an equity that compounds gross returns; costs lower ``net`` only, dividends stay in the
    stock, impact is that of a constant capital. With the default costs and fills this is ``simulate_portfolio``.

    ``cash`` holds shares and pays its costs. The plans of the tranches are in fractions of shares; the account holds
    their sum in whole lots, never more than planned, and where volume, borrowing or cash fell short tries again on
    the next sessions. Splits multiply shares (fractions are paid out), smaller changes of the adjustment factor are
    dividends in cash, an untrusted link leaves a position its value. Without a short leg, purchases are cut to the
    cash there is. Prices have to be those of the day for lots to mean anything: where a vendor adjusts past prices
    for later splits, past lots look cheaper than they were.

    Args:
        score: Scores [D, N], NaN where none; that of a session may use anything known at its close.
        tape: What is traded on.
        settings: What is simulated.
        costs: As of ``cost_grids`` with the same tape and cost settings, to be shared by many scores.
        record: Keep positions and trades.

    Raises:
        EvaluationError: See ``prepare``.
    """
    return run(prepare(score, tape, settings, costs=costs), record=record)


def run(prepared: Prepared, *, capital: float | None = None, record: bool = False) -> Backtest:
    """Run a prepared backtest.

    Args:
        prepared: As of ``prepare``.
        capital: Instead of that of the settings; one that has no effect is refused, as it is there.
        record: Keep positions and trades.
    """
    settings = prepared.settings
    if capital is not None:
        account = settings.account.model_dump(exclude_unset=True) | {"capital": capital}
        settings = BacktestSettings.model_validate(
            {**{name: getattr(settings, name) for name in type(settings).model_fields}, "account": account}
        )
    return _result(prepared, settings, *_run_books(prepared, settings, record))


def _run_books(
    prepared: Prepared, settings: BacktestSettings, record: bool
) -> tuple[Tables, Trades | None, int]:
    feed, terms = _feed(prepared, settings), _terms(settings, record)
    if settings.account.books == "weights":
        from gogooku3.evaluation.backtest.weights_kernel import run_weights

        tables, log, ruined = run_weights(feed, terms)
    else:
        from gogooku3.evaluation.backtest.cash_kernel import run_cash

        tables, log, ruined = run_cash(feed, terms)
    return tables, _trades(log) if record else None, ruined


def _feed(prepared: Prepared, settings: BacktestSettings) -> Feed:
    tape, costs, bars = prepared.tape, prepared.costs, prepared.tape.bars
    days, stocks = tape.link.shape
    nothing = np.empty((0, stocks))
    ends = (tape.last_bar >= 0) & (tape.last_bar + 1 < days)
    return Feed(
        open_=bars.open_,
        close=bars.close,
        link=bars.link,
        ratio=bars.ratio,
        status=prepared.status,
        targets=prepared.targets.weights,
        borrowable=np.empty((0, stocks), dtype=bool)
        if tape.borrowable is None
        else np.ascontiguousarray(tape.borrowable),
        half_spread=nothing if costs.half_spread is None else costs.half_spread,
        volatility=nothing if costs.volatility is None else costs.volatility,
        daily_turnover=nothing if costs.daily_turnover is None else costs.daily_turnover,
        end_row=np.where(ends, tape.last_bar + 1, days).astype(np.int64),
        paid=np.where(np.isfinite(tape.terminal_return), 1.0 + tape.terminal_return, 1.0),
        fee=_borrowing_fee(tape.sessions, settings),
    )


def _terms(settings: BacktestSettings, record: bool) -> Terms:
    costs, account, schedule = settings.costs, settings.account, settings.schedule
    power, limit = costs.impact == "power", settings.fills.max_participation
    capital = float(account.capital or 0.0)
    return Terms(
        holding=schedule.holding,
        lag=schedule.lag,
        at_open=schedule.entry == "open",
        long_only=settings.construction.side == "long_only",
        bps=costs.bps * 1e-4,
        eta=costs.impact_eta if power else 0.0,
        exponent=costs.impact_exponent,
        gamma=costs.impact_gamma if power else 0.0,
        compared=capital if settings.needs_capital else 0.0,
        participation=math.inf if limit is None else limit,
        capital=capital,
        lot=float(account.lot),
        split_from=account.split_from,
        record=record,
    )


def _borrowing_fee(sessions: np.ndarray, settings: BacktestSettings) -> FloatD:
    """Return the fee per short value from the previous session to each, [D]."""
    elapsed = np.zeros(len(sessions))
    elapsed[1:] = np.diff(sessions).astype("timedelta64[D]").astype(np.int64)
    fee: FloatD = settings.costs.borrow_bps_per_year * 1e-4 * elapsed / 365
    return fee


def _result(
    prepared: Prepared, settings: BacktestSettings, tables: Tables, trades: Trades | None, ruined: int
) -> Backtest:
    series, counts = tables.series, tables.counts
    traded = series[c.TRADED] > 0
    before = np.arange(len(traded)) < (int(traded.argmax()) if traded.any() else len(traded))
    whole = series[c.WHOLE]
    unfilled = np.full(len(whole), np.nan)
    np.divide(series[c.MISSED], whole, out=unfilled, where=whole > 0)

    def since(row: int) -> FloatD:
        return np.where(before, np.nan, series[row])

    return Backtest(
        settings=settings,
        sessions=prepared.tape.sessions,
        codes=prepared.tape.codes,
        gross=since(c.GROSS),
        traded=since(c.TRADED),
        commission=since(c.COMMISSION),
        spread=since(c.SPREAD),
        impact=since(c.IMPACT),
        borrow=since(c.BORROWED),
        unfilled=unfilled,
        long=since(c.LONG),
        short=since(c.SHORT),
        long_names=counts[c.LONG_NAMES],
        short_names=counts[c.SHORT_NAMES],
        equity=since(c.EQUITY),
        ranked=prepared.targets.ranked,
        refusals=Refusals(
            orders=counts[c.ORDERS],
            halted=counts[c.HALTED],
            locked=counts[c.LOCKED],
            unborrowable=counts[c.UNBORROWABLE],
            limited=counts[c.LIMITED],
            unaffordable=counts[c.UNAFFORDABLE],
        ),
        ledger=_ledger(series) if settings.account.books == "cash" else None,
        positions=None if trades is None else tables.positions,
        trades=trades,
        ruined=None if ruined < 0 else int(ruined),
    )


def _ledger(series: np.ndarray) -> Ledger:
    return Ledger(
        cash=series[c.CASH],
        distributed=series[c.DISTRIBUTED],
        in_lieu=series[c.IN_LIEU],
        terminal=series[c.TERMINAL],
    )


def _trades(log: Log) -> Trades:
    used = int(log.used[0])
    where, columns = log.where[:used], log.columns[:used]
    return Trades(
        row=where[:, 0].copy(),
        stock=where[:, 1].copy(),
        amount=columns[:, c.AMOUNT].copy(),
        price=columns[:, c.PRICE].copy(),
        commission=columns[:, c.FEE].copy(),
        spread=columns[:, c.HALF_SPREAD].copy(),
        impact=columns[:, c.IMPACT_PAID].copy(),
    )
