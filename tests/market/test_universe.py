from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gogooku3.market.market import Market
from gogooku3.market.universe import UniverseSettings, universe
from tests.conftest import random_market

SETTINGS = UniverseSettings(size=20, turnover_window=5, min_history=12)


def oracle(market: Market, settings: UniverseSettings) -> np.ndarray:
    sessions, stocks = market.close.shape
    member = np.zeros((sessions, stocks), dtype=bool)
    held = [d for d in range(sessions) if any(np.isfinite(market.close[d]))]
    for place, d in enumerate(held):
        window = held[place + 1 - settings.turnover_window : place + 1]
        if place + 1 < settings.turnover_window:
            continue
        ranked = []
        for n in range(stocks):
            bars = sum(np.isfinite(market.close[s, n]) for s in range(d + 1))
            if np.isfinite(market.close[d, n]) and bars >= settings.min_history:
                traded = [market.turnover[s, n] if np.isfinite(market.close[s, n]) else 0.0 for s in window]
                ranked.append((-sorted(traded)[len(traded) // 2], market.codes[n], n))
        for _, _, n in sorted(ranked)[: settings.size]:
            member[d, n] = True
    return member


def with_a_hole(market: Market, session: int) -> Market:
    for name in ("open", "high", "low", "close", "volume", "turnover", "factor"):
        getattr(market, name)[session] = np.nan
    return market


@pytest.mark.parametrize("seed", range(3))
def test_universe_against_a_loop(seed: int) -> None:
    market = with_a_hole(random_market(np.random.default_rng(seed), sessions=60, stocks=30), 33)
    got = universe(market, SETTINGS)
    np.testing.assert_array_equal(got, oracle(market, SETTINGS))
    assert got.sum(axis=1).max() == SETTINGS.size
    assert not got[: SETTINGS.min_history - 1].any()
    assert not got[33].any()
    assert got[34].any()


def test_ties_go_by_code() -> None:
    market = random_market(np.random.default_rng(1), sessions=40, stocks=30)
    market.turnover[:] = 7.0
    market.close[:] = 1.0
    got = universe(replace(market), SETTINGS)
    assert got[-1].nonzero()[0].tolist() == list(range(SETTINGS.size))


def test_deleting_the_future_changes_nothing() -> None:
    market = random_market(np.random.default_rng(2), sessions=60, stocks=30)
    names = ("open", "high", "low", "close", "volume", "turnover", "factor", "broken", "sessions")
    past = replace(market, **{name: getattr(market, name)[:45] for name in names})
    np.testing.assert_array_equal(universe(past, SETTINGS), universe(market, SETTINGS)[:45])


def test_changing_the_future_changes_nothing() -> None:
    market = random_market(np.random.default_rng(3), sessions=60, stocks=30)
    before = universe(market, SETTINGS)
    other = replace(market, turnover=market.turnover.copy())
    other.turnover[45:] *= np.random.default_rng(0).uniform(0.01, 100, other.turnover[45:].shape)
    after = universe(other, SETTINGS)
    np.testing.assert_array_equal(after[:45], before[:45])
    assert (after[45:] != before[45:]).any()


def test_a_bar_of_unknown_turnover_says_nothing_about_how_much_is_traded() -> None:
    market = random_market(np.random.default_rng(5), sessions=60, stocks=22)
    turnover = np.where(market.present, 1.0 + np.arange(22), np.nan)
    turnover[:, 21] = np.where(np.arange(60) % 2 == 0, np.nan, 1e9)
    turnover[:, 20] = np.nan
    got = universe(replace(market, turnover=turnover), SETTINGS)
    held = market.present[-1]
    assert got[-1, 21] == held[21], "the most traded stock stays, though half of its turnover is unknown"
    assert not got[:, 20].any(), "a stock whose turnover is never known cannot be ranked by it"
