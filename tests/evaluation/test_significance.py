"""Tests of the mean: hand-computed cases, and their size on persistent series."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gogooku3.evaluation.bootstrap import block_length, bootstrap_interval
from gogooku3.evaluation.significance import ewc_freedom, ewc_test, newey_west_test, non_overlapping_test


@pytest.mark.parametrize(
    ("days", "horizon", "expected"),
    [(1225, 1, 45), (1225, 5, 45), (1225, 10, 30), (1225, 20, 15), (245, 20, 4), (1000, 1, 40), (10, 1, 4)],
)
def test_freedom(days, horizon, expected):
    assert ewc_freedom(days, horizon) == expected


def test_ewc_by_hand():
    series = np.array([1.0, 3.0, 2.0, 5.0, 4.0, 6.0])
    days, freedom = 6, 4
    squares = []
    for j in range(1, freedom + 1):
        projection = sum(
            value * math.cos(math.pi * j * (t - 0.5) / days) for t, value in enumerate(series, start=1)
        )
        squares.append((math.sqrt(2 / days) * projection) ** 2)
    error = math.sqrt(sum(squares) / freedom / days)
    test = ewc_test(series)
    assert test.freedom == freedom
    assert test.mean == pytest.approx(3.5)
    assert test.standard_error == pytest.approx(error)
    assert test.t == pytest.approx(3.5 / error)
    reach = stats.t.ppf(0.975, freedom) * error
    assert (test.low, test.high) == pytest.approx((3.5 - reach, 3.5 + reach))


def test_newey_west_by_hand():
    series = np.array([1.0, 3.0, 2.0, 6.0])  # centred: -2, 0, -1, 3
    gamma0, gamma1 = 14 / 4, (0 * -2 + -1 * 0 + 3 * -1) / 4
    variance = gamma0 + 2 * 0.5 * gamma1
    assert newey_west_test(series, horizon=2).t == pytest.approx(3.0 / math.sqrt(variance / 4))
    assert newey_west_test(series, horizon=1).t == pytest.approx(3.0 / math.sqrt(gamma0 / 4))


def test_non_overlapping_is_the_plain_t_test_of_every_hth_day():
    series = np.random.default_rng(0).normal(0.1, 1, 100)
    expected = stats.ttest_1samp(series[::5], 0.0)
    test = non_overlapping_test(series, horizon=5)
    assert test.t == pytest.approx(expected.statistic)
    interval = expected.confidence_interval(0.95)
    assert (test.low, test.high) == pytest.approx((interval.low, interval.high))


def test_missing_days_are_left_out():
    series = np.random.default_rng(0).normal(0.1, 1, 100)
    holes = np.insert(series, [10, 50], np.nan)
    for test in (ewc_test, newey_west_test, non_overlapping_test):
        assert test(holes, horizon=3) == test(series, horizon=3)
    assert bootstrap_interval(holes) == bootstrap_interval(series)


@pytest.mark.parametrize("series", [np.array([]), np.array([0.1]), np.full(50, 0.3), np.full(20, np.nan)])
def test_too_short_or_constant_series_have_no_statistic(series):
    for test in (ewc_test, newey_west_test, non_overlapping_test):
        result = test(series, horizon=2)
        assert math.isnan(result.t)
        assert math.isnan(result.low)


def _autoregression(rng: np.random.Generator, phi: float, paths: int, days: int) -> np.ndarray:
    noise = rng.normal(size=(paths, days + 200))
    series = np.zeros_like(noise)
    for t in range(1, noise.shape[1]):
        series[:, t] = phi * series[:, t - 1] + noise[:, t]
    return series[:, 200:]


def test_size_with_persistent_scores_is_near_nominal_and_bartlett_is_not():
    paths = _autoregression(np.random.default_rng(42), 0.9, 600, 1000)
    rejected = {"ewc": 0, "bartlett": 0, "naive": 0}
    for path in paths:
        for name, test in (
            ("ewc", ewc_test(path, horizon=20)),
            ("bartlett", newey_west_test(path, horizon=20)),
            ("naive", newey_west_test(path, horizon=1)),
        ):
            rejected[name] += not test.low <= 0 <= test.high
    size = {name: count / len(paths) for name, count in rejected.items()}
    assert 0.03 < size["ewc"] < 0.08  # binomial sd .009
    assert size["bartlett"] > size["ewc"] + 0.015
    assert size["naive"] > 0.4


def test_power_against_a_true_mean():
    paths = 0.5 + _autoregression(np.random.default_rng(1), 0.5, 100, 1000)
    assert np.mean([ewc_test(path, horizon=5).low > 0 for path in paths]) > 0.95


def test_bootstrap_is_deterministic_and_covers_like_the_t_interval():
    series = 0.05 + _autoregression(np.random.default_rng(3), 0.3, 1, 1000)[0]
    low, high = bootstrap_interval(series, horizon=5, samples=2000, seed=1)
    assert (low, high) == bootstrap_interval(series, horizon=5, samples=2000, seed=1)
    assert (low, high) != bootstrap_interval(series, horizon=5, samples=2000, seed=2)
    t = ewc_test(series, horizon=5)
    assert low < series.mean() < high
    assert high - low == pytest.approx(t.high - t.low, rel=0.3)


def test_bootstrap_draws_blocks_of_the_stated_length():
    from gogooku3.evaluation import bootstrap

    assert block_length(1000, 20) == 40
    assert block_length(1000, 1) == 10
    # A resample of one block is a rotation: its mean does not vary.
    series = np.random.default_rng(0).normal(size=200)
    rotated = bootstrap._draws(200, 10**9, 100, 0) @ series / 200
    assert np.ptp(rotated) < 1e-12
    counts = bootstrap._draws(200, 6, 500, 0)
    assert (counts.sum(axis=1) == 200).all()
    assert counts.mean() == pytest.approx(1.0)


def test_a_series_of_few_blocks_has_no_bootstrap_interval():
    series = np.random.default_rng(0).normal(size=160)
    assert np.isfinite(bootstrap_interval(series, horizon=20)).all()
    assert np.isnan(bootstrap_interval(series[1:], horizon=20)).all()


@pytest.mark.parametrize("days", [240, 1220])
def test_bootstrap_covers_the_mean_of_overlapping_noise(days):
    horizon, paths = 20, 1000
    steps = np.cumsum(np.random.default_rng(7).normal(size=(paths, days + horizon)), axis=1)
    covered = 0
    for path in steps[:, horizon:] - steps[:, :-horizon]:
        low, high = bootstrap_interval(path, horizon=horizon, samples=500)
        covered += low <= 0 <= high
    assert 0.93 < covered / paths < 0.97  # binomial sd .007; twice the freedom and no correction: .90 and .92


@pytest.mark.parametrize(("horizon", "days"), [(1, 400), (5, 600), (20, 1200)])
def test_bootstrap_is_widened_by_what_resampling_loses(horizon, days):
    from gogooku3.evaluation import bootstrap

    block, paths = block_length(days, horizon), 2000
    steps = np.cumsum(np.random.default_rng(horizon).normal(size=(paths, days + horizon)), axis=1)
    series = steps[:, horizon:] - steps[:, :-horizon]
    means = bootstrap._draws(days, block, 2000, 3) @ series.T / days
    kept = float(means.var(axis=0).mean()) * days / horizon**2  # of the long-run variance
    student = stats.t.ppf(0.975, days / block) / stats.norm.ppf(0.975)
    expected = student / math.sqrt(kept)
    assert bootstrap._widening(days, block, horizon, 0.95) == pytest.approx(expected, rel=0.02)
