"""Inputs of the cost model against slow forms, and the spread on bars whose spread is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gogooku3.evaluation.backtest.cost_grids import cost_grids
from gogooku3.evaluation.backtest.cost_settings import CostSettings
from gogooku3.evaluation.backtest.simulate import backtest
from gogooku3.evaluation.backtest.spread import half_spread
from gogooku3.evaluation.backtest.spread_kernel import squared_spreads
from tests.evaluation.backtest.settings_of import settings_of
from tests.evaluation.backtest.slow import trailing_cost_inputs
from tests.evaluation.backtest.tapes import tape_of_links, wild_tape


@pytest.mark.parametrize("window", [5, 20])
def test_volatility_and_turnover_are_of_the_sessions_before(window):
    tape = wild_tape(np.random.default_rng(2))
    tape.close[17], tape.link[17], tape.turnover[17] = np.nan, np.nan, np.nan  # a hole in the source
    chosen = settings_of(costs={"impact": "power", "window": window}, account={"capital": 1e8})
    grids = cost_grids(tape, chosen)
    sigma, volume = trailing_cost_inputs(tape, window)
    np.testing.assert_allclose(grids.volatility, sigma, rtol=1e-9)
    np.testing.assert_allclose(grids.daily_turnover, volume, rtol=1e-12)
    later = wild_tape(np.random.default_rng(2))
    later.close[17], later.link[17], later.turnover[17] = np.nan, np.nan, np.nan
    for grid in (later.link, later.turnover):
        grid[40:] *= 3.0
    again = cost_grids(later, chosen)
    np.testing.assert_array_equal(again.volatility[:41], grids.volatility[:41])
    np.testing.assert_array_equal(again.daily_turnover[:41], grids.daily_turnover[:41])
    assert not np.allclose(again.daily_turnover[41], grids.daily_turnover[41])


def _edge(tape, n, start, stop):
    """The two moment conditions of Ardia, Guidotti and Kroencke (2024), equation by equation, for one stock."""
    rows = [
        d for d in range(stop) if all(grid[d, n] > 0 for grid in (tape.open, tape.high, tape.low, tape.close))
    ]
    pairs = [(a, b) for a, b in pairwise(rows) if b >= start and tape.ratio[b, n] > 0]
    columns = []
    for a, b in pairs:
        o, h, low, c = (np.log(grid[b, n]) for grid in (tape.open, tape.high, tape.low, tape.close))
        ratio = tape.ratio[b, n]
        h1, low1, c1 = (np.log(grid[a, n]) - np.log(ratio) for grid in (tape.high, tape.low, tape.close))
        m, m1 = (h + low) / 2, (h1 + low1) / 2
        moved = float(h != low or ratio != 1 or low != np.log(tape.close[a, n]))
        edges = [tape.close[a, n] != tape.high[a, n], tape.close[a, n] != tape.low[a, n]]
        columns.append([m - o, o - m1, m - c1, c1 - m1, o - c1, moved, o != h, o != low, *edges])
        assert c > 0
    r1, r2, r3, r4, r5, tau, oh, ol, ch, cl = np.array(columns, dtype=float).T
    po, pc, pt = (tau * oh).mean() + (tau * ol).mean(), (tau * ch).mean() + (tau * cl).mean(), tau.mean()
    d1, d3, d5 = (r - r.mean() / pt * tau for r in (r1, r3, r5))
    x1 = -4 / po * d1 * r2 - 4 / pc * d3 * r4
    x2 = -4 / po * d1 * r5 - 4 / pc * d5 * r4
    return (x1.mean() + x2.mean()) / 2


def test_the_spread_estimator_is_the_published_one():
    tape = wild_tape(np.random.default_rng(4), days=150)
    squared = squared_spreads(tape.bars, 10, 12, 60)
    for n in (0, 1, 2, 8, 25):
        for b in (12, 13, 14):
            assert squared[b, n] == pytest.approx(_edge(tape, n, (b - 12) * 10, b * 10), rel=1e-9)
    assert np.isnan(squared[5]).all()


def _bars(rng, spread, *, days=1200, stocks=12, steps=100, volatility=0.02):
    """Bars of prices that trade at bid or ask around a random walk."""
    move = rng.normal(0, volatility / np.sqrt(steps), (days, steps, stocks))
    middle = np.cumsum(move.reshape(days * steps, stocks), axis=0).reshape(days, steps, stocks)
    price = 1000 * np.exp(middle + rng.choice([-0.5, 0.5], middle.shape) * spread)
    close = price[:, -1]
    link = np.full(close.shape, np.nan)
    link[1:] = close[1:] / close[:-1]
    tape = tape_of_links(link)
    for name, grid in (
        ("open", price[:, 0]),
        ("high", price.max(1)),
        ("low", price.min(1)),
        ("close", close),
    ):
        getattr(tape, name)[:] = grid
    return tape


@pytest.mark.parametrize(
    ("spread", "low", "high"), [(0.02, 0.0185, 0.0215), (0.01, 0.0085, 0.0115), (0.0, 0, 0.004)]
)
def test_a_known_spread_is_found(spread, low, high):
    tape = _bars(np.random.default_rng(6), spread)
    estimate = 2 * half_spread(tape, CostSettings(spread="edge"))[480:]
    assert low < np.median(estimate) < high
    # The two-day estimator of Abdi and Ranaldo, for which a spread of nothing is one of 80 bps.
    logs = [np.log(grid) for grid in (tape.high, tape.low, tape.close)]
    middle = (logs[0] + logs[1]) / 2
    product = 4 * (logs[2][:-1] - middle[:-1]) * (logs[2][:-1] - middle[1:])
    two_day = np.sqrt(np.maximum(product, 0)).mean()
    assert abs(np.median(estimate) - spread) < abs(two_day - spread) + 0.0005
    if spread == 0:
        assert two_day > 0.007


def test_unknown_spreads_are_dear_and_all_lie_within_floor_and_cap():
    tape = _bars(np.random.default_rng(7), 0.01, days=300)
    tape.close[:, 0] = np.nan
    chosen = CostSettings(spread="edge", spread_floor_bps=30, spread_cap_bps=200)
    spread = 2 * half_spread(tape, chosen)
    assert (spread >= 0.003 - 1e-15).all()
    assert (spread <= 0.02 + 1e-15).all()
    np.testing.assert_allclose(spread[:60], 0.02)  # nothing is known of anyone
    np.testing.assert_allclose(spread[280, 0], np.quantile(spread[280, 1:], 0.95))


def test_costs_of_a_trade_by_hand():
    rng = np.random.default_rng(8)
    tape = tape_of_links(np.exp(rng.normal(0, 0.02, (40, 4))))
    tape.turnover[:] = 2e6
    score = np.full((40, 4), np.nan)
    score[30] = [4.0, 3.0, 2.0, 1.0]
    chosen = settings_of(
        construction={"quantiles": 2, "min_names": 4},
        schedule={"holding": 2},
        costs={
            "bps": 4,
            "impact": "power",
            "impact_eta": 0.142,
            "impact_exponent": 0.6,
            "impact_gamma": 0.314,
        },
        account={"capital": 1e6},
    )
    result = backtest(score, tape, chosen)
    sigma = np.log(tape.link[11:31]).std(axis=0, ddof=1)
    share = 250_000 / 2e6  # half of a leg of half of the equity
    expected = (0.25 * sigma * (0.157 * share + 0.142 * share**0.6)).sum()
    assert result.impact[31] == pytest.approx(expected)
    assert result.commission[31] == pytest.approx(4e-4)
    assert result.traded[31] == pytest.approx(1.0)
