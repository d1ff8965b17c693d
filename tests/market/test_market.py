"""The market's derived grids against a loop over each stock's own bars."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.market.market import Market
from tests.conftest import random_market


def own_bars(market: Market, n: int) -> list[int]:
    return [d for d in range(len(market.sessions)) if np.isfinite(market.close[d, n])]


@pytest.mark.parametrize("seed", range(4))
def test_links_against_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng, sessions=90, stocks=7)
    market.factor[40:, 4] *= 1.03  # a dividend
    shape = market.close.shape
    previous = np.full(shape, -1)
    ratio, link, overnight = (np.full(shape, np.nan) for _ in range(3))
    for n in range(shape[1]):
        latest = -1
        for d in range(shape[0]):
            previous[d, n] = latest
            if not np.isfinite(market.close[d, n]):
                continue
            if latest >= 0:
                ratio[d, n] = market.factor[d, n] / market.factor[latest, n]
                if not market.broken[d, n]:
                    scale = ratio[d, n] / market.close[latest, n]
                    link[d, n] = market.close[d, n] * scale
                    overnight[d, n] = market.open[d, n] * scale
            latest = d
    np.testing.assert_array_equal(market.previous_bar, previous)
    np.testing.assert_allclose(market.ratio, ratio, rtol=1e-14)
    np.testing.assert_allclose(market.link, link, rtol=1e-14)
    np.testing.assert_allclose(market.overnight, overnight, rtol=1e-14)
    assert market.last_bar.tolist() == [own_bars(market, n)[-1] for n in range(shape[1])]


def test_link_of_a_split_across_a_halt_by_hand() -> None:
    market = random_market(np.random.default_rng(0), sessions=30, stocks=6)
    market.close[10:15, 0] = [100.0, np.nan, np.nan, 51.0, 52.02]
    market.open[13, 0] = 50.5
    market.factor[10:15, 0] = [1.0, np.nan, np.nan, 2.0, 2.0]
    assert market.previous_bar[13, 0] == 10
    assert market.link[13, 0] == pytest.approx(1.02)
    assert market.overnight[13, 0] == pytest.approx(1.01)
    assert market.link[14, 0] == pytest.approx(1.02)
    assert np.isnan(market.link[11:13, 0]).all()


def test_links_do_not_know_the_future() -> None:
    from dataclasses import replace

    market = random_market(np.random.default_rng(5), sessions=80, stocks=6)
    cut = 50
    names = ("open", "high", "low", "close", "volume", "turnover", "factor", "broken", "sessions")
    past = replace(market, **{name: getattr(market, name)[:cut] for name in names})
    for name in ("previous_bar", "ratio", "link", "overnight"):
        np.testing.assert_array_equal(getattr(past, name), getattr(market, name)[:cut])
