"""The default portfolio against a loop over tranches and stocks, and cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.portfolio import simulate_portfolio
from gogooku3.evaluation.portfolio_settings import PortfolioSettings
from gogooku3.evaluation.portfolio_summary import (
    break_even_bps,
    drawdown,
    max_drawdown,
    sessions_per_year,
    summarise_portfolio,
)
from gogooku3.evaluation.settings import EvaluationSettings


def _sessions(days: int) -> np.ndarray:
    return np.busday_offset("2020-01-06", np.arange(days)).astype("datetime64[D]")


def _alive(stocks: int, days: int) -> dict[str, np.ndarray]:
    return {"terminal_return": np.full(stocks, np.nan), "last_bar": np.full(stocks, days - 1)}


def _market(seed: int, days: int = 90, stocks: int = 33):
    rng = np.random.default_rng(seed)
    link = np.exp(rng.normal(0.001, 0.03, (days, stocks)))
    link[rng.random(link.shape) < 0.04] = np.nan
    last_bar = np.full(stocks, days - 1)
    terminal = np.full(stocks, np.nan)
    for stock, last, paid in ((3, 30, -1.0), (7, 45, 0.2), (11, 20, np.nan), (12, 88, -0.5), (13, -4, -0.9)):
        last_bar[stock], terminal[stock] = last, paid
        link[max(last + 1, 0) :, stock] = np.nan
    score = np.round(rng.normal(size=link.shape), 1)
    score[np.isnan(link)] = np.nan
    score[40] = np.nan
    score[50, 15:] = np.nan
    score[60] = 1.0
    return score, link, terminal, last_bar


def _stale(link, seed):
    """Half of the bars of some stocks have no volume; some missing bars claim one."""
    traded = np.random.default_rng(seed).random(link.shape) < 0.9
    traded[:, ::5] &= np.random.default_rng(seed + 1).random(traded[:, ::5].shape) < 0.5
    assert (np.isfinite(link) & ~traded).sum() > 300
    assert (np.isnan(link) & traded).sum() > 30
    return traded


def _oracle(score, link, tradable, sessions, horizon, lag, terminal, last_bar, settings):  # noqa: C901 (an oracle is one plain loop)
    """Dollars per tranche and stock, one at a time."""
    days, stocks = score.shape
    book = [dict.fromkeys(range(stocks), 0.0) for _ in range(horizon)]
    equity = 1.0
    gross, traded, borrow = np.zeros(days), np.zeros(days), np.zeros(days)
    unfilled = np.full(days, np.nan)
    started = None
    for s in range(days):
        profit = 0.0
        short = -sum(min(sum(tranche[n] for tranche in book), 0.0) for n in range(stocks))
        for tranche in book:
            for n in range(stocks):
                if tranche[n] == 0.0:
                    continue
                if s == last_bar[n] + 1:
                    profit += tranche[n] * (0.0 if np.isnan(terminal[n]) else terminal[n])
                    tranche[n] = 0.0
                elif np.isfinite(link[s, n]):
                    profit += tranche[n] * (link[s, n] - 1)
                    tranche[n] *= link[s, n]
        gross[s] = profit / equity
        if s:
            elapsed = (sessions[s] - sessions[s - 1]).astype(int)
            borrow[s] = settings.borrow_bps_per_year / 1e4 * short / equity * elapsed / 365
        equity += profit
        t = s - lag
        if t < 0:
            continue
        weights = np.zeros(stocks)
        names = np.flatnonzero(np.isfinite(score[t]))
        if len(names) >= settings.min_names:
            place = np.array(
                [(score[t, names] < x).sum() + ((score[t, names] == x).sum()) / 2 for x in score[t, names]]
            )
            bucket = np.floor(place * settings.quantiles / len(names) + 1e-12).astype(int)
            top, bottom = names[bucket == settings.quantiles - 1], names[bucket == 0]
            if len(top) and (len(bottom) or settings.long_only):
                weights[top] = 1 / len(top)
                if not settings.long_only:
                    weights[bottom] = -1 / len(bottom)
        tranche = book[t % horizon]
        if weights.any():
            unfilled[s] = (
                sum(abs(w) for n, w in enumerate(weights) if not tradable[s, n]) / abs(weights).sum()
            )
        for n in range(stocks):
            if tradable[s, n]:
                wanted = weights[n] / horizon * equity
                traded[s] += abs(wanted - tranche[n]) / equity
                tranche[n] = wanted
        if started is None and traded[s] > 0:
            started = s
    net = gross - settings.cost_bps / 1e4 * traded - borrow
    for series in (gross, net, traded, borrow):
        series[:started] = np.nan
    return gross, net, traded, borrow, unfilled


@pytest.mark.parametrize(("horizon", "lag"), [(1, 0), (1, 1), (5, 1), (10, 0), (20, 1)])
@pytest.mark.parametrize("long_only", [False, True])
@pytest.mark.parametrize("stale", [False, True])
def test_equals_a_loop_over_tranches_and_stocks(horizon, lag, long_only, stale):
    score, link, terminal, last_bar = _market(horizon + 10 * lag)
    volume = _stale(link, horizon) if stale else None
    sessions = _sessions(len(score))
    settings = PortfolioSettings(borrow_bps_per_year=120.0, cost_bps=7.0, long_only=long_only)
    result = simulate_portfolio(
        score,
        link,
        sessions=sessions,
        horizon=horizon,
        lag=lag,
        terminal_return=terminal,
        last_bar=last_bar,
        settings=settings,
        traded=volume,
    )
    tradable = np.isfinite(link) & (True if volume is None else volume)
    gross, net, traded, borrow, unfilled = _oracle(
        score, link, tradable, sessions, horizon, lag, terminal, last_bar, settings
    )
    np.testing.assert_allclose(result.unfilled, unfilled, atol=1e-12)
    assert (np.nanmean(unfilled) > 0.1) == stale
    np.testing.assert_allclose(result.gross, gross, atol=1e-12)
    np.testing.assert_allclose(result.traded, traded, atol=1e-12)
    np.testing.assert_allclose(result.borrow, borrow, atol=1e-12)
    np.testing.assert_allclose(result.net, net, atol=1e-12)
    np.testing.assert_allclose(result.turnover, traded / 2, atol=1e-12)
    assert np.isnan(result.gross).sum() == lag  # scored from the first session on
    assert result.ruined is None


def test_the_first_return_is_that_of_the_session_after_entry():
    rng = np.random.default_rng(0)
    days, stocks = 600, 60
    growth = np.exp(rng.normal(0, 0.02, (days, stocks)))
    knows_tomorrow = np.full_like(growth, np.nan)
    knows_tomorrow[:-1] = growth[1:]  # score[t] is the return of session t + 1
    common = {"sessions": _sessions(days), "horizon": 1, **_alive(stocks, days)}
    free = PortfolioSettings(cost_bps=0.0)
    today = simulate_portfolio(knows_tomorrow, growth, lag=0, settings=free, **common)
    late = simulate_portfolio(knows_tomorrow, growth, lag=1, settings=free, **common)
    early = np.nanmean(today.gross)
    assert early > 0.06
    assert abs(np.nanmean(late.gross)) < 3 * np.nanstd(late.gross) / np.sqrt(days)
    knows_the_day_after = np.full_like(growth, np.nan)
    knows_the_day_after[:-2] = growth[2:]
    tradable = simulate_portfolio(knows_the_day_after, growth, lag=1, settings=free, **common)
    assert np.nanmean(tradable.gross) == pytest.approx(early, rel=0.02)


def test_costs_turnover_and_borrowing_by_hand():
    # Four stocks, two buckets, one tranche: +1/2 each of the best two, -1/2 each of the worst two.
    score = np.array([[4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]])
    link = np.array([[1.0, 1.0, 1.0, 1.0], [1.1, 1.0, 1.0, 0.9], [1.0, 1.0, 1.0, 1.0]])
    sessions = np.array(["2020-01-02", "2020-01-03", "2020-01-06"], dtype="datetime64[D]")
    settings = PortfolioSettings(quantiles=2, min_names=4, cost_bps=10.0, borrow_bps_per_year=365.0)
    result = simulate_portfolio(
        score, link, sessions=sessions, horizon=1, lag=0, settings=settings, **_alive(4, 3)
    )
    assert result.gross == pytest.approx([0.0, 0.1, 0.0])
    # Equity 1.1: drifted weights .55, .5, -.5, -.45 over 1.1 against .5, .5, -.5, -.5.
    drift = 0.0 + abs(0.5 - 0.5 / 1.1) * 2 + abs(0.5 - 0.45 / 1.1)
    assert result.traded == pytest.approx([2.0, drift, 4.0])
    assert result.turnover == pytest.approx([1.0, drift / 2, 2.0])
    assert result.borrow == pytest.approx([0.0, 0.0365 * 1 / 365, 0.0365 * 3 / 365])
    assert result.net == pytest.approx(result.gross - 1e-3 * result.traded - result.borrow)


def test_a_stock_without_a_bar_is_neither_bought_nor_sold():
    score = np.array([[4.0, 3.0, 2.0, 1.0]] + [[1.0, 2.0, 3.0, 4.0]] * 3)
    link = np.ones((4, 4))
    link[1] = [np.nan, 1.0, 1.0, 1.0]  # halted when the tranche turns round
    link[2] = [0.5, 1.0, 1.0, 1.0]  # and resumes at half the price
    settings = PortfolioSettings(quantiles=2, min_names=4, cost_bps=0.0)
    result = simulate_portfolio(
        score, link, sessions=_sessions(4), horizon=1, lag=0, settings=settings, **_alive(4, 4)
    )
    assert result.gross == pytest.approx([0.0, 0.0, -0.25, 0.0])  # the half that could not be sold lost half
    assert result.traded[1] == pytest.approx(3.0)
    assert result.unfilled == pytest.approx([0.0, 0.25, 0.0, 0.0])


def test_a_bar_without_volume_is_held_through_at_its_price():
    score = np.array([[4.0, 3.0, 2.0, 1.0]] + [[1.0, 2.0, 3.0, 4.0]] * 3)
    link, traded = np.ones((4, 4)), np.ones((4, 4), dtype=bool)
    link[1, 0], traded[1, 0] = 0.8, False  # marked down without a trade, when the tranche turns round
    settings = PortfolioSettings(quantiles=2, min_names=4, cost_bps=0.0)
    common = {"sessions": _sessions(4), "horizon": 1, "lag": 0, "settings": settings, **_alive(4, 4)}
    result = simulate_portfolio(score, link, traded=traded, **common)
    assert result.gross == pytest.approx([0.0, -0.1, 0.0, 0.0])
    # Equity 0.9: the other three turn from .5, -.5, -.5 to -.45, .45, .45.
    assert result.traded[1] == pytest.approx(3 * 0.95 / 0.9)
    assert result.unfilled == pytest.approx([0.0, 0.25, 0.0, 0.0])
    assert simulate_portfolio(score, link, **common).unfilled == pytest.approx(np.zeros(4))


def test_a_stock_that_ends_pays_once_and_is_cash_without_a_trade():
    score = np.tile(np.arange(20.0), (6, 1))
    link = np.ones((6, 20))
    link[3:, 19] = np.nan
    score[3:, 19] = np.nan
    terminal, last_bar = np.full(20, np.nan), np.full(20, 5)
    terminal[19], last_bar[19] = -1.0, 2
    settings = PortfolioSettings(min_names=19)
    result = simulate_portfolio(
        score,
        link,
        sessions=_sessions(6),
        horizon=5,
        lag=0,
        terminal_return=terminal,
        last_bar=last_bar,
        settings=settings,
    )
    assert result.gross == pytest.approx(
        [0, 0, 0, -0.5 * 3 / 5, 0, 0]
    )  # three tranches held half a leg of it
    survivor = simulate_portfolio(
        score, link, sessions=_sessions(6), horizon=5, lag=0, settings=settings, **_alive(20, 6)
    )
    assert survivor.gross == pytest.approx(np.zeros(6))


def test_a_constant_day_or_too_few_names_send_the_tranche_to_cash():
    score = np.tile(np.arange(20.0), (4, 1))
    score[1] = 5.0
    score[2, 1:] = np.nan
    settings = PortfolioSettings()
    result = simulate_portfolio(
        score, np.ones((4, 20)), sessions=_sessions(4), horizon=1, lag=0, settings=settings, **_alive(20, 4)
    )
    assert result.traded == pytest.approx([2.0, 2.0, 0.0, 2.0])
    assert np.isnan(result.unfilled[1:3]).all()


def test_ruin_is_told_and_ends_the_portfolio():
    score = np.tile(np.arange(20.0), (4, 1))
    link = np.ones((4, 20))
    link[2, 0] = 9.0  # short half of the equity
    result = simulate_portfolio(
        score, link, sessions=_sessions(4), horizon=1, lag=0, settings=PortfolioSettings(), **_alive(20, 4)
    )
    assert result.ruined == 2
    assert result.gross[2] == pytest.approx(-4.0)
    assert result.traded[3] == 0.0
    assert max_drawdown(result.net) == 1.0


def test_a_score_that_never_ranks_has_no_portfolio():
    result = simulate_portfolio(
        np.full((30, 20), np.nan),
        np.ones((30, 20)),
        sessions=_sessions(30),
        horizon=1,
        lag=1,
        settings=PortfolioSettings(),
        **_alive(20, 30),
    )
    assert np.isnan(result.gross).all()
    rows = np.ones(30, dtype=bool)
    summary = summarise_portfolio(result, rows, sessions_per_year=250.0, settings=EvaluationSettings())
    assert np.isnan(summary.sharpe_daily)
    assert np.isnan(summary.break_even_bps)
    assert np.isnan(summary.max_drawdown)


def test_grids_that_are_not_aligned_are_refused():
    with pytest.raises(EvaluationError, match="not aligned"):
        simulate_portfolio(
            np.ones((3, 20)),
            np.ones((3, 20)),
            sessions=_sessions(4),
            horizon=1,
            lag=1,
            settings=PortfolioSettings(),
            **_alive(20, 3),
        )


def test_break_even_cost_makes_the_net_sharpe_zero():
    score, link, terminal, last_bar = _market(1)
    common = {
        "sessions": _sessions(len(score)),
        "horizon": 5,
        "lag": 1,
        "terminal_return": terminal,
        "last_bar": last_bar,
    }
    link = link + 0.002 * np.nan_to_num(np.vstack([np.zeros((2, 33)), score[:-2]]))
    rows = np.ones(len(score), dtype=bool)
    first = simulate_portfolio(score, link, settings=PortfolioSettings(borrow_bps_per_year=80.0), **common)
    cost = break_even_bps(first, rows)
    assert cost > 0
    again = simulate_portfolio(
        score, link, settings=PortfolioSettings(borrow_bps_per_year=80.0, cost_bps=cost), **common
    )
    summary = summarise_portfolio(again, rows, sessions_per_year=250.0, settings=EvaluationSettings())
    assert summary.sharpe_daily == pytest.approx(0.0, abs=1e-12)
    assert summary.net_annual == pytest.approx(0.0, abs=1e-12)


def test_summary_by_hand():
    score, link, terminal, last_bar = _market(2)
    result = simulate_portfolio(
        score,
        link,
        sessions=_sessions(len(score)),
        horizon=5,
        lag=1,
        terminal_return=terminal,
        last_bar=last_bar,
        settings=PortfolioSettings(),
    )
    rows = np.arange(len(score)) >= 50
    summary = summarise_portfolio(result, rows, sessions_per_year=245.0, settings=EvaluationSettings())
    net = result.net[50:]
    assert summary.sharpe_daily == pytest.approx(net.mean() / net.std(ddof=1))
    assert summary.sharpe_annual == pytest.approx(summary.sharpe_daily * np.sqrt(245))
    assert summary.net_annual == pytest.approx(net.mean() * 245)
    assert summary.turnover == pytest.approx(result.turnover[50:].mean())


def test_drawdown_by_hand():
    returns = np.array([np.nan, 0.1, -0.5, 0.2, np.nan, 1.0, -0.1])
    expected = [np.nan, 0.0, -0.5, -0.4, np.nan, 0.0, -0.1]
    np.testing.assert_allclose(drawdown(returns), expected)
    assert max_drawdown(returns) == pytest.approx(0.5)
    assert max_drawdown(np.array([-0.2, 0.1])) == pytest.approx(0.2)  # the start is a peak too


def test_sessions_per_year_are_measured():
    tokyo = np.arange("2018-01-04", "2022-12-31", dtype="datetime64[D]")[::3]
    assert sessions_per_year(tokyo) == pytest.approx(365.25 / 3, rel=1e-3)
    assert np.isnan(sessions_per_year(tokyo[:1]))
