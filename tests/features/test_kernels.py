"""Each kernel against the plainest possible computation of the same window."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from gogooku3.features import kernels

W, NEED = 9, 5


@pytest.fixture
def grid() -> np.ndarray:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 6))
    x[rng.random(x.shape) < 0.25] = np.nan
    x[:, 4] = 1.0  # no variation
    x[10:25, 5] = np.nan  # windows with too few observations
    return x


def naive(x: np.ndarray, function, need: int = NEED, window: int = W) -> np.ndarray:
    out = np.full((len(x) - window + 1, x.shape[1]), np.nan)
    for i in range(len(out)):
        for n in range(x.shape[1]):
            values = x[i : i + window, n]
            seen = values[~np.isnan(values)]
            if len(seen) >= need:
                out[i, n] = function(seen)
    return out


@pytest.mark.parametrize(
    ("kernel", "oracle"),
    [
        (lambda x: kernels.rolling_sum(x, W, NEED), np.sum),
        (lambda x: kernels.rolling_mean(x, W, NEED), np.mean),
        (lambda x: kernels.rolling_std(x, W, NEED), lambda v: np.std(v, ddof=1)),
        (lambda x: kernels.rolling_extreme(x, W, NEED, 1.0), np.max),
        (lambda x: kernels.rolling_extreme(x, W, NEED, -1.0), np.min),
    ],
)
def test_rolling(grid, kernel, oracle):
    np.testing.assert_allclose(kernel(grid), naive(grid, oracle), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("power", "oracle"), [(3, scipy.stats.skew), (4, lambda v: scipy.stats.kurtosis(v, fisher=False))]
)
def test_moment_ratio(grid, power, oracle):
    varied = grid[:, :4]
    np.testing.assert_allclose(
        kernels.rolling_moment_ratio(varied, W, NEED, power), naive(varied, oracle), rtol=1e-10
    )
    assert np.isnan(kernels.rolling_moment_ratio(grid, W, NEED, power)[:, 4]).all(), "no variation, no shape"


def test_weighted_mean_leaves_missing_observations_out(grid):
    weights = np.array([0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 1.0])
    got = kernels.rolling_weighted(grid, weights, 2)
    for i in range(len(got)):
        for n in range(grid.shape[1]):
            seen = ~np.isnan(grid[i : i + W, n]) & (weights > 0)
            expected = (
                np.average(grid[i : i + W, n][seen], weights=weights[seen]) if seen.sum() >= 2 else np.nan
            )
            np.testing.assert_allclose(got[i, n], expected, rtol=1e-12)


def test_path_is_the_log_price_seen_from_its_end(grid):
    mean, high, low, age = kernels.rolling_path(grid, W, NEED)
    for i in range(len(mean)):
        for n in range(grid.shape[1]):
            returns = grid[i : i + W, n]
            price = np.cumsum(np.nan_to_num(returns))
            price = np.where(np.isnan(returns), np.nan, price - price[-1])
            if np.isfinite(price).sum() < NEED:
                assert np.isnan([mean[i, n], high[i, n], low[i, n], age[i, n]]).all()
                continue
            np.testing.assert_allclose(mean[i, n], np.nanmean(price), atol=1e-12)
            np.testing.assert_allclose(high[i, n], np.nanmax(price), atol=1e-12)
            np.testing.assert_allclose(low[i, n], np.nanmin(price), atol=1e-12)
            top = np.flatnonzero(np.nan_to_num(price, nan=-np.inf) >= np.nanmax(price) - 1e-12)
            assert round(age[i, n] * W) in (W - 1 - top)


def test_regression_is_least_squares(grid):
    rng = np.random.default_rng(4)
    y = 0.7 * np.nan_to_num(grid) + rng.normal(size=grid.shape)
    y[rng.random(y.shape) < 0.1] = np.nan
    slope, corr, noise = kernels.rolling_regression(y, grid, W, NEED)
    for i in range(len(slope)):
        for n in range(grid.shape[1]):
            seen = ~np.isnan(grid[i : i + W, n]) & ~np.isnan(y[i : i + W, n])
            a, b = grid[i : i + W, n][seen], y[i : i + W, n][seen]
            if seen.sum() < NEED or np.ptp(a) == 0:
                assert np.isnan([slope[i, n], corr[i, n], noise[i, n]]).all()
                continue
            fit = scipy.stats.linregress(a, b)
            np.testing.assert_allclose(slope[i, n], fit.slope, rtol=1e-9)
            np.testing.assert_allclose(corr[i, n], fit.rvalue, rtol=1e-9, atol=1e-12)
            left = b - fit.intercept - fit.slope * a
            np.testing.assert_allclose(
                noise[i, n], np.sqrt((left**2).sum() / (len(a) - 2)), rtol=1e-8, atol=1e-12
            )


def test_day_rank_places_all_stocks_among_the_universe():
    x = np.array([[3.0, 1.0, 2.0, 2.0, 10.0, np.nan]])
    member = np.array([[True, True, True, True, False, True]])
    got = kernels.day_rank(x, member)
    # members with a value: 1, 2, 2, 3
    np.testing.assert_allclose(got, [[3.5 / 4 - 0.5, 0.5 / 4 - 0.5, 2 / 4 - 0.5, 2 / 4 - 0.5, 0.5, np.nan]])
    assert np.isnan(kernels.day_rank(x, np.zeros_like(member))).all(), "an empty universe ranks nobody"


def test_day_rank_equals_average_ranks():
    rng = np.random.default_rng(5)
    x = np.round(rng.normal(size=(8, 50)), 1)
    got = kernels.day_rank(x, np.ones(x.shape, dtype=bool))
    np.testing.assert_allclose(got, (scipy.stats.rankdata(x, axis=1) - 0.5) / 50 - 0.5)


def test_group_mean_counts_members_only():
    x = np.array([[1.0, 3.0, 100.0, 5.0, np.nan]])
    member = np.array([[True, True, False, True, True]])
    group = np.array([0, 0, 0, 1, -1])
    got = kernels.group_mean(x, member, group, 2, 2)
    np.testing.assert_allclose(got, [[2.0, 2.0, 2.0, np.nan, np.nan]])
