"""The view of the market: by hand, and as of each session only."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.anatomy.settings import AnatomySettings
from gogooku3.evaluation.anatomy.view_market import view_market

SMALL = AnatomySettings(size_window=4, style_window=6)


def _market(seed=0, days=40, stocks=12):
    rng = np.random.default_rng(seed)
    present = rng.random((days, stocks)) < 0.9
    present[20] = False  # a hole in the source
    link = np.where(present, np.exp(rng.normal(0, 0.02, present.shape)), np.nan)
    turnover = np.where(present, np.round(rng.lognormal(3, 1, present.shape)), np.nan)
    turnover[present & (rng.random(present.shape) < 0.1)] = np.nan
    return {
        "link": link,
        "turnover": turnover,
        "present": present,
        "universe": present & (rng.random(present.shape) < 0.8),
        "sector": np.zeros(stocks, dtype=np.int16),
        "sector_names": ("all",),
    }


def _slow(market, day, stock, window=6):
    log = np.log(market["link"])
    rows = range(max(0, day - window + 1), day + 1)
    means = [log[r, market["universe"][r] & np.isfinite(log[r])] for r in rows]
    x = np.array([m.mean() if m.size else np.nan for m in means])
    y = log[list(rows), stock]
    used = np.isfinite(x) & np.isfinite(y)
    need = 4  # features.helpers.enough(6)
    beta = np.polyfit(x[used], y[used], 1)[0] if used.sum() >= need else np.nan
    known = y[np.isfinite(y)]
    return beta, known.std(ddof=1) if known.size >= need else np.nan


def test_beta_and_volatility_equal_a_loop():
    from gogooku3.features.helpers import enough

    assert enough(6) == 4
    market = _market()
    seen = view_market(**market, warm_up=10, settings=SMALL)
    assert seen.universe.shape == (30, 12)
    for day in (0, 5, 29):
        for stock in range(12):
            beta, volatility = _slow(market, day + 10, stock)
            assert seen.beta[day, stock] == pytest.approx(beta, nan_ok=True)
            assert seen.volatility[day, stock] == pytest.approx(volatility, nan_ok=True)
    assert np.isfinite(seen.beta).mean() > 0.4


@pytest.mark.parametrize("warm_up", [0, 2, 10])
def test_size_equals_a_loop(warm_up):
    market = _market(1)
    seen = view_market(**market, warm_up=warm_up, settings=SMALL)
    held = np.flatnonzero(market["present"].any(axis=1))
    for day in range(warm_up, 40):
        rows = held[held <= day][-4:]
        for stock in range(12):
            present, turnover = market["present"][rows, stock], market["turnover"][rows, stock]
            values = np.where(present, turnover, 0.0)
            expected = np.nanmedian(values) if (present & np.isfinite(turnover)).any() else np.nan
            if not market["present"][day].any():
                expected = np.nan
            assert seen.size[day - warm_up, stock] == pytest.approx(expected, nan_ok=True)


def test_size_is_the_median_of_the_universe_choice():
    from gogooku3.market.universe import UniverseSettings, universe
    from tests.conftest import random_market

    market = random_market(np.random.default_rng(2), stocks=30)
    member = universe(market, UniverseSettings(size=20, turnover_window=20, min_history=60))
    kept = {"link": market.link, "present": market.present, "turnover": market.turnover}
    seen = view_market(
        **kept, universe=member, sector=market.sector, sector_names=market.sector_names, warm_up=60
    )
    candidates = market.present & (np.cumsum(market.present, axis=0) >= 60)
    compared = 0
    for size, inside, candidate in zip(seen.size, member[60:], candidates[60:], strict=True):
        outside = candidate & ~inside
        if inside.any() and outside.any():
            assert size[inside].min() >= size[outside].max()
            compared += 1
    assert compared > 100


def test_no_value_uses_a_later_session():
    market = _market(3)
    seen = view_market(**market, warm_up=10, settings=SMALL)
    cut = {name: grid[:25] if getattr(grid, "ndim", 1) == 2 else grid for name, grid in market.items()}
    early = view_market(**cut, warm_up=10, settings=SMALL)
    for name in ("size", "beta", "volatility"):
        np.testing.assert_array_equal(getattr(early, name), getattr(seen, name)[:15])


def test_warm_up_makes_the_first_sessions_whole():
    market = _market(4)
    whole = view_market(**market, warm_up=0, settings=SMALL)
    seen = view_market(**market, warm_up=10, settings=SMALL)
    for name in ("size", "beta", "volatility"):
        np.testing.assert_array_equal(getattr(seen, name), getattr(whole, name)[10:])
    assert np.isnan(whole.beta[:3]).all()


def test_without_turnover_there_is_no_size():
    seen = view_market(**{**_market(5), "turnover": None}, warm_up=10, settings=SMALL)
    assert np.isnan(seen.size).all()
    assert "4 sessions" in seen.size_is


def test_faults_are_named():
    market = _market()
    with pytest.raises(EvaluationError, match="leaves no session"):
        view_market(**market, warm_up=40)
    with pytest.raises(EvaluationError, match="not aligned"):
        view_market(**{**market, "present": market["present"][1:]}, warm_up=4)
    with pytest.raises(EvaluationError, match="has no name"):
        view_market(**{**market, "sector": np.full(12, 1, dtype=np.int16)}, warm_up=4)
