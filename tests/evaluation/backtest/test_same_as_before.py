"""With the settings that match, the engine's days are those of ``simulate_portfolio``."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.evaluation.backtest.account_settings import AccountSettings
from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.evaluation.backtest.cost_settings import CostSettings
from gogooku3.evaluation.backtest.fill_settings import FillSettings
from gogooku3.evaluation.backtest.schedule_settings import ScheduleSettings
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.simulate import backtest
from gogooku3.evaluation.portfolio import simulate_portfolio
from gogooku3.evaluation.portfolio_settings import PortfolioSettings
from tests.evaluation.backtest.tapes import tape_of_links


def _market(seed: int, days: int = 120, stocks: int = 47):
    rng = np.random.default_rng(seed)
    link = np.exp(rng.normal(0.001, 0.03, (days, stocks)))
    link[rng.random(link.shape) < 0.04] = np.nan
    last_bar, terminal = np.full(stocks, days - 1), np.full(stocks, np.nan)
    for stock, last, paid in ((3, 30, -1.0), (7, 45, 0.2), (11, 20, np.nan), (12, 118, -0.5), (13, -4, -0.9)):
        last_bar[stock], terminal[stock] = last, paid
        link[max(last + 1, 0) :, stock] = np.nan
    score = np.round(rng.normal(size=link.shape), 1)
    score[np.isnan(link)] = np.nan
    score[40], score[60] = np.nan, 1.0
    score[50, 15:] = np.nan
    volume = (rng.random(link.shape) < 0.9).astype(float)
    return score, link, terminal, last_bar, volume


@pytest.mark.parametrize(("holding", "lag"), [(1, 0), (1, 1), (5, 1), (10, 0), (20, 1)])
@pytest.mark.parametrize("side", ["long_short", "long_only"])
def test_daily_returns_are_those_of_the_default_portfolio(holding, lag, side):
    score, link, terminal, last_bar, volume = _market(holding + 10 * lag)
    tape = tape_of_links(link, terminal_return=terminal, last_bar=last_bar, volume=volume)
    fee = 0.0 if side == "long_only" else 120.0
    old = simulate_portfolio(
        score,
        link,
        sessions=tape.sessions,
        horizon=holding,
        lag=lag,
        terminal_return=terminal,
        last_bar=last_bar,
        settings=PortfolioSettings(
            borrow_bps_per_year=fee, cost_bps=7.0, long_only=side == "long_only", quantiles=8
        ),
        traded=volume > 0,
    )
    new = backtest(
        score,
        tape,
        BacktestSettings(
            construction=ConstructionSettings(side=side, quantiles=8),
            schedule=ScheduleSettings(holding=holding, lag=lag),
            fills=FillSettings(limit_move=None),
            costs=CostSettings(bps=7.0, borrow_bps_per_year=fee),
        ),
    )
    assert np.isfinite(old.net).sum() > 100
    for name in ("gross", "net", "traded", "borrow", "unfilled", "turnover"):
        np.testing.assert_allclose(getattr(new, name), getattr(old, name), rtol=0, atol=1e-12, err_msg=name)
    assert new.ruined is old.ruined is None


def test_ruin_is_the_same_too():
    score = np.tile(np.arange(20.0), (4, 1))
    link = np.ones((4, 20))
    link[2, 0] = 9.0
    tape = tape_of_links(link)
    alive = {"terminal_return": tape.terminal_return, "last_bar": tape.last_bar, "sessions": tape.sessions}
    old = simulate_portfolio(score, link, horizon=1, lag=0, settings=PortfolioSettings(), **alive)
    settings = BacktestSettings(schedule=ScheduleSettings(holding=1, lag=0))
    new = backtest(score, tape, settings)
    assert new.ruined == old.ruined == 2
    np.testing.assert_allclose(new.net, old.net, atol=1e-12)


@pytest.mark.parametrize(("lag", "entry"), [(0, "close"), (1, "close"), (1, "open")])
def test_cash_books_without_costs_lots_and_dividends_earn_what_weights_earn(lag, entry):
    score, link, terminal, last_bar, volume = _market(5)
    tape = tape_of_links(link, terminal_return=terminal, last_bar=last_bar, volume=volume)
    parts = {
        "schedule": ScheduleSettings(holding=5, lag=lag, entry=entry),
        "fills": FillSettings(limit_move=None),
        "costs": CostSettings(bps=0.0),
    }
    weights = backtest(score, tape, BacktestSettings(**parts))
    account = AccountSettings(books="cash", capital=1e8)
    cash = backtest(score, tape, BacktestSettings(**parts, account=account))
    for name in ("gross", "net", "long", "short", "unfilled"):
        np.testing.assert_allclose(getattr(cash, name), getattr(weights, name), rtol=0, atol=1e-9)
    np.testing.assert_allclose(cash.equity[lag:], 1e8 * weights.equity[lag:], rtol=1e-9)


def test_a_score_that_never_ranks_has_no_portfolio():
    result = backtest(np.full((30, 20), np.nan), tape_of_links(np.ones((30, 20))), BacktestSettings())
    assert np.isnan(result.net).all()
    assert not result.ranked.any()
