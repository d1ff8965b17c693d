"""Figures of a backtest by hand; ``tests/evaluation/test_oracle_statistics.py`` has those of other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.backtest_summary import summarise_backtest
from gogooku3.evaluation.backtest.benchmark_return import universe_return
from gogooku3.evaluation.backtest.capacity import capacity_curve
from gogooku3.evaluation.backtest.cost_curve import break_even_bps, net_at, sharpe_by_cost
from gogooku3.evaluation.backtest.relative import compare_with_benchmark
from gogooku3.evaluation.backtest.simulate import backtest, prepare
from gogooku3.evaluation.buckets import quantile_buckets
from gogooku3.evaluation.settings import EvaluationSettings
from tests.evaluation.backtest.settings_of import settings_of
from tests.evaluation.backtest.tapes import tape_of_links, wild_score, wild_tape


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(21)
    tape = wild_tape(rng, days=300)
    score = wild_score(rng, tape)
    result = backtest(score, tape, settings_of(costs={"bps": 6, "borrow_bps_per_year": 100}))
    bucket = np.where(tape.borrowable | (quantile_buckets(score) > 0), quantile_buckets(score), -1)
    assert (((bucket == 9).any(axis=1) & (bucket == 0).any(axis=1)) == result.ranked).all()
    return tape, result, np.ones(300, dtype=bool)


def test_summary_by_hand(run):
    _, result, _ = run
    rows = np.arange(300) >= 150
    summary = summarise_backtest(result, rows, sessions_per_year=245.0, settings=EvaluationSettings())
    net = result.net[150:]
    assert summary.sharpe_daily == pytest.approx(net.mean() / net.std(ddof=1))
    assert summary.net_annual == pytest.approx(net.mean() * 245)
    assert summary.turnover == pytest.approx(result.traded[150:].mean() / 2)
    costs = summary.commission_annual + summary.spread_annual + summary.impact_annual + summary.borrow_annual
    assert summary.gross_annual - summary.net_annual == pytest.approx(costs)
    assert summary.halted == result.refusals.halted[150:].sum() > 0
    assert summary.unranked == (~result.ranked[150:]).sum() > 1
    assert summary.long == pytest.approx(result.long[150:].mean())


@pytest.mark.parametrize("books", [{}, {"books": "cash", "capital": 1e9}])
def test_the_cost_curve_and_the_break_even_cost(books):
    rng = np.random.default_rng(5)
    link = np.exp(rng.normal(0, 0.02, (200, 30)))
    score = np.full_like(link, np.nan)
    score[:-2] = np.log(link[2:]) + rng.normal(0, 0.1, (198, 30))
    tape, rows = tape_of_links(link), np.ones(200, dtype=bool)

    def at(bps):
        costs = {"bps": bps, "borrow_bps_per_year": 200}
        return backtest(score, tape, settings_of(costs=costs, account=books, schedule={"holding": 2}))

    base = at(10.0)
    curve = sharpe_by_cost(base, rows, sessions_per_year=250.0)
    assert len(curve) == 11
    assert (np.diff(curve) < 0).all()
    again = [
        sharpe_by_cost(at(bps), rows, sessions_per_year=250.0, grid=[bps])[0] for bps in (0.0, 25.0, 50.0)
    ]
    np.testing.assert_allclose([curve[0], curve[5], curve[10]], again, rtol=1e-9 if not books else 0.01)
    even = break_even_bps(base, rows)
    assert even > 0
    assert sharpe_by_cost(base, rows, sessions_per_year=250.0, grid=[even])[0] == pytest.approx(0, abs=1e-9)
    if not books:
        np.testing.assert_allclose(net_at(base, 50.0), at(50.0).net, atol=1e-15)
        assert np.nanmean(at(even).net) == pytest.approx(0, abs=1e-15)


def test_capacity_falls_with_capital_and_small_accounts_cannot_buy_lots():
    rng = np.random.default_rng(9)
    tape = tape_of_links(np.exp(rng.normal(0, 0.02, (120, 40))))
    score = rng.normal(size=tape.link.shape)
    chosen = settings_of(costs={"impact": "power"}, account={"books": "cash", "capital": 1e8, "lot": 100})
    rows = np.ones(120, dtype=bool)
    points = capacity_curve(
        prepare(score, tape, chosen), [1e5, 1e7, 1e8, 1e9, 1e10], rows, sessions_per_year=245.0
    )
    assert math.isnan(points[0].sharpe_annual)  # nothing was ever traded
    assert math.isnan(points[0].invested)
    assert points[1].invested < points[2].invested < 2
    costs = [point.cost_annual for point in points[1:]]
    assert costs == sorted(costs)
    assert points[-1].net_annual < points[-2].net_annual < points[1].net_annual
    again = backtest(
        score, tape, settings_of(costs={"impact": "power"}, account={**_account(chosen), "capital": 1e9})
    )
    assert points[3].net_annual == pytest.approx(np.nanmean(again.net) * 245)
    with pytest.raises(EvaluationError, match="no effect on this backtest"):
        capacity_curve(prepare(score, tape, settings_of()), [1e8], rows, sessions_per_year=245.0)
    with pytest.raises(EvaluationError, match="do not rise"):
        capacity_curve(prepare(score, tape, chosen), [1e8, 1e8], rows, sessions_per_year=245.0)


def _account(chosen):
    return chosen.account.model_dump(exclude_unset=True)


def test_the_universe_by_hand():
    link = np.array([[np.nan] * 3, [1.1, 1.0, 0.9], [np.nan, 1.2, 1.0], [1.0, np.nan, np.nan]])
    tape = tape_of_links(link, terminal_return=np.array([np.nan, np.nan, -0.5]), last_bar=np.array([3, 3, 2]))
    member = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1], [1, 1, 1]], dtype=bool)
    np.testing.assert_allclose(universe_return(tape, member), [np.nan, 0.05, 0.2 / 3, -0.5])
    with pytest.raises(EvaluationError, match="not aligned"):
        universe_return(tape, member[:2])


def test_benchmark_relative_figures_by_hand():
    own, market = np.array([np.nan, 0.02, 0.00, 0.03, 0.01]), np.array([0.5, 0.01, 0.01, 0.02, np.nan])
    result = compare_with_benchmark(own, market, sessions_per_year=250.0)
    active = np.array([0.01, -0.01, 0.01])
    assert result.days == 3
    assert result.active_annual == pytest.approx(active.mean() * 250)
    assert result.tracking_error == pytest.approx(active.std(ddof=1) * np.sqrt(250))
    assert result.information_ratio == pytest.approx(active.mean() / active.std(ddof=1) * np.sqrt(250))
    assert result.beta == pytest.approx(2.0)
    assert result.alpha_annual == pytest.approx((0.05 / 3 - 2 * 0.04 / 3) * 250)
    assert result.correlation == pytest.approx(np.corrcoef(own[1:4], market[1:4])[0, 1])
    empty = compare_with_benchmark(own[:1], market[:1], sessions_per_year=250.0)
    assert empty.days == 0
    assert math.isnan(empty.beta)
    with pytest.raises(EvaluationError, match="differ in length"):
        compare_with_benchmark(own, market[:2], sessions_per_year=250.0)


def test_a_long_only_portfolio_of_everything_is_its_benchmark():
    rng = np.random.default_rng(3)
    tape = tape_of_links(np.exp(rng.normal(0, 0.02, (60, 25))))
    score = rng.normal(size=tape.link.shape)
    chosen = settings_of(
        construction={"side": "long_only", "kind": "top_k", "k": 25},
        schedule={"holding": 1, "lag": 0},
        costs={"bps": 0},
    )
    result = backtest(score, tape, chosen)
    benchmark = universe_return(tape, np.ones_like(tape.link, dtype=bool))
    np.testing.assert_allclose(result.net[1:], benchmark[1:], atol=1e-14)
    relative = compare_with_benchmark(result.net, benchmark, sessions_per_year=245.0)
    assert relative.beta == pytest.approx(1)
    assert relative.tracking_error == pytest.approx(0, abs=1e-12)
