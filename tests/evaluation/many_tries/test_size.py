"""The noise market is what it says, and a nominal 5 % test rejects about that often on it.

A thousand small markets here; `benchmarks/size.py` has larger ones, more series and all methods.
"""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.evaluation.many_tries import noise_market as module
from gogooku3.evaluation.many_tries.noise_market import noise_market
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.evaluation.significance import ewc_test, newey_west_test, non_overlapping_test

HORIZONS = (1, 5, 10, 20)


@pytest.mark.parametrize("factors", [False, True])
def test_series_are_those_of_the_scores_and_labels(factors):
    market = noise_market([3, 1], persistence=(0.9,), horizons=(1, 5), days=40, stocks=30, factors=factors)
    rng = np.random.default_rng([3, 1])  # the same draws in the same order
    returns = module._returns(rng, 40 + 5 + 1 + 5, 30, factors)
    scores = module._scores(rng, 45, 30, 0.9)
    for h, horizon in enumerate((1, 5)):
        label = np.array([returns[t + 1 : t + 1 + horizon].sum(axis=0) for t in range(5, 45)])
        np.testing.assert_allclose(market.rank_ic[0, h], daily_rank_ic(scores[5:], label).values, atol=1e-12)
        order = np.argsort(scores[5:], axis=1)
        top, bottom = (
            np.take_along_axis(label, part, axis=1).mean(axis=1) for part in (order[:, -3:], order[:, :3])
        )
        np.testing.assert_allclose(market.spread[0, h], top - bottom)
    for day in range(40):
        held = np.zeros(30)
        for age in range(5):
            order = np.argsort(scores[5 + day - age])
            held[order[-3:]] += 1 / 15
            held[order[:3]] -= 1 / 15
        assert market.portfolio[0, 1, day] == pytest.approx(held @ returns[5 + day + 1])


def test_autocorrelation_is_that_of_the_score_times_the_overlap():
    found = [
        noise_market(k, persistence=(0.0, 0.9, 1.0), horizons=(5,), days=500, stocks=50) for k in range(40)
    ]
    for p, phi in enumerate((0.0, 0.9, 1.0)):
        series = np.stack([market.rank_ic[p, 0] for market in found])
        variance = (series**2).mean()
        assert variance == pytest.approx(1 / 49, rel=0.1)
        for lag in (1, 3, 5, 7):
            expected = phi**lag * max(0.0, 1 - lag / 5)
            assert (series[:, lag:] * series[:, :-lag]).mean() / variance == pytest.approx(expected, abs=0.06)


def test_same_seed_same_market():
    first, again, other = (noise_market(seed, days=30, stocks=25) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.rank_ic, again.rank_ic)
    assert (first.rank_ic != other.rank_ic).any()
    assert first.persistence == (0.0, 0.9, 0.98)


def test_size_on_a_thousand_noise_markets():
    markets, rejected = 1000, {"cosines": np.zeros(4), "bartlett": np.zeros(4), "every": np.zeros(4)}
    tests = {"cosines": ewc_test, "bartlett": newey_west_test, "every": non_overlapping_test}
    for k in range(markets):
        market = noise_market([7, k], persistence=(0.98,), days=250, stocks=25, factors=k % 2 == 1)
        for h, horizon in enumerate(HORIZONS):
            for name, test in tests.items():
                found = test(market.rank_ic[0, h], horizon=horizon)
                rejected[name][h] += not found.low <= 0 <= found.high
    low, high = 0.03 * markets, 0.07 * markets  # with these seeds; one standard deviation is 7
    for name in ("cosines", "every"):
        assert (rejected[name] >= low).all()
        assert (rejected[name] <= high).all()
    assert rejected["bartlett"][3] > high  # what fails is seen to
