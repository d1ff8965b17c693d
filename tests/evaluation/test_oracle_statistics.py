"""Portfolio statistics are those of empyrical and jquantstats, to a relative 1e-9.

Where a definition differs it is undone first: empyrical compounds its alpha over a year, ours is the mean times the
sessions of a year, as in jquantstats; empyrical's ``excess_sharpe`` and jquantstats' ``information_ratio`` are of
one day; jquantstats' drawdown does not know the capital before the first return, so it is told.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from gogooku3.evaluation.backtest.relative import compare_with_benchmark
from gogooku3.evaluation.portfolio import simulate_portfolio
from gogooku3.evaluation.portfolio_settings import PortfolioSettings
from gogooku3.evaluation.portfolio_summary import summarise_portfolio
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.trading.settings import TradingSettings
from gogooku3.evaluation.trading.trade_score import trade_score
from gogooku3.labels.target import Target
from tests.evaluation.backtest.tapes import tape_of_links

PER_YEAR = 245.0
SAME = {"rel": 1e-9, "abs": 1e-12}
JUDGED = EvaluationSettings(bootstrap_samples=100, portfolio=PortfolioSettings(cost_bps=3.0))


def _market(drift: float, skill: float):
    """Three years of 60 stocks with a common factor; the score knows a little of the day after the next."""
    rng = np.random.default_rng(11)
    common = rng.normal(drift, 0.01, (750, 1))
    link = np.exp(common * rng.uniform(0.5, 1.5, 60) + rng.normal(0, 0.015, (750, 60)))
    score = np.full_like(link, np.nan)
    score[:-2] = skill * np.log(link[2:]) / 0.015 + rng.normal(size=(748, 60))
    tape = tape_of_links(link)
    trading = trade_score(
        "m",
        Target(5, 1),
        score,
        tape,
        np.ones_like(link, dtype=bool),
        settings=TradingSettings(k=8, capitals=()),
        evaluation=JUDGED,
        sessions_per_year=PER_YEAR,
    )
    benchmark = np.concatenate([[np.nan], (link[1:] - 1).mean(axis=1)])
    return SimpleNamespace(tape=tape, score=score, benchmark=benchmark, books=trading.books)


@pytest.fixture(
    scope="module", params=[(0.0005, 0.2), (-0.001, 0.0), (0.0, -0.3)], ids=["up", "down", "loses"]
)
def market(request):
    return _market(*request.param)


@pytest.fixture
def empyrical():
    return pytest.importorskip("empyrical", reason="the oracle empyrical-reloaded is not installed")


@pytest.fixture
def jquantstats():
    return pytest.importorskip("jquantstats", reason="the oracle jquantstats is not installed")


def _known(market, book):
    rows = np.isfinite(book.net)
    assert rows.sum() > 700
    return market.tape.sessions[rows], book.net[rows], market.benchmark[rows]


def test_empyrical_has_the_same_figures_of_every_book(market, empyrical):
    assert len(market.books) == 9
    for book in market.books:
        _, net, _ = _known(market, book)
        whole = book.summary
        assert whole.sharpe_annual == pytest.approx(
            empyrical.sharpe_ratio(net, annualization=PER_YEAR), **SAME
        )
        assert whole.max_drawdown == pytest.approx(-empyrical.max_drawdown(net), **SAME)
        volatility = empyrical.annual_volatility(net, annualization=PER_YEAR)
        assert whole.net.sd * math.sqrt(PER_YEAR) == pytest.approx(volatility, **SAME)


def test_empyrical_has_the_same_relative_figures(market, empyrical):
    relatives = [book for book in market.books if book.relative is not None]
    assert len(relatives) == 3
    for book in relatives:
        _, net, benchmark = _known(market, book)
        relative = book.relative
        assert relative.days == len(net)
        assert relative.beta == pytest.approx(empyrical.beta(net, benchmark), **SAME)
        compounded = empyrical.alpha(net, benchmark, annualization=PER_YEAR)
        assert (1 + relative.alpha_annual / PER_YEAR) ** PER_YEAR - 1 == pytest.approx(compounded, **SAME)
        daily = empyrical.excess_sharpe(net, benchmark)
        assert relative.information_ratio == pytest.approx(daily * math.sqrt(PER_YEAR), **SAME)
        tracking = empyrical.annual_volatility(net - benchmark, annualization=PER_YEAR)
        assert relative.tracking_error == pytest.approx(tracking, **SAME)


def test_jquantstats_has_the_same_figures(market, jquantstats):
    import polars as pl

    for book in market.books:
        days, net, benchmark = _known(market, book)
        relative = compare_with_benchmark(net, benchmark, sessions_per_year=PER_YEAR)
        stats = jquantstats.Data.from_returns(
            returns=pl.DataFrame({"date": days, "net": net}),
            benchmark=pl.DataFrame({"date": days, "universe": benchmark}),
            date_col="date",
        ).stats
        assert book.summary.sharpe_annual == pytest.approx(stats.sharpe(periods=PER_YEAR)["net"], **SAME)
        begun = pl.DataFrame({"date": np.append(days[0] - 1, days), "net": np.append(0.0, net)})
        deepest = jquantstats.Data.from_returns(returns=begun, date_col="date").stats.max_drawdown()["net"]
        assert book.summary.max_drawdown == pytest.approx(-deepest, **SAME)
        greeks = stats.greeks(periods_per_year=PER_YEAR)["net"]
        assert relative.beta == pytest.approx(greeks["beta"], **SAME)
        assert relative.alpha_annual == pytest.approx(greeks["alpha"], **SAME)
        ratio = stats.information_ratio(periods_per_year=PER_YEAR, annualise=True)["net"]
        assert relative.information_ratio == pytest.approx(ratio, **SAME)
        assert relative.correlation**2 == pytest.approx(stats.r_squared()["net"], **SAME)


def test_the_default_portfolio_of_the_evaluation_has_them_too(market, empyrical):
    tape = market.tape
    portfolio = simulate_portfolio(
        market.score,
        tape.link,
        sessions=tape.sessions,
        horizon=5,
        lag=1,
        terminal_return=tape.terminal_return,
        last_bar=tape.last_bar,
        settings=JUDGED.portfolio,
    )
    rows = np.arange(len(tape.sessions)) >= 200
    whole = summarise_portfolio(portfolio, rows, sessions_per_year=PER_YEAR, settings=JUDGED)
    net = portfolio.net[rows]
    assert whole.sharpe_annual == pytest.approx(empyrical.sharpe_ratio(net, annualization=PER_YEAR), **SAME)
    assert whole.max_drawdown == pytest.approx(-empyrical.max_drawdown(net), **SAME)
    assert whole.sharpe_annual_gross == pytest.approx(
        empyrical.sharpe_ratio(portfolio.gross[rows], annualization=PER_YEAR), **SAME
    )
