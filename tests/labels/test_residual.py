"""Residual returns beside loops over one stock at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import DataError
from gogooku3.labels.ranks import rank_targets
from gogooku3.labels.residual import beta_neutral, neutral_ranks, sector_neutral

NAN = float("nan")


def draw(seed: int, days: int = 6, stocks: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.001, 0.02, (days, stocks))
    returns[rng.random(returns.shape) < 0.2] = NAN
    universe = rng.random(returns.shape) < rng.choice([0.1, 0.5, 0.9])
    universe[0] = False
    sector = rng.integers(-1, 6, stocks)
    beta = rng.normal(1, 0.4, returns.shape)
    beta[rng.random(returns.shape) < 0.2] = NAN
    return returns, universe, sector, beta


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else NAN


def sector_oracle(returns: np.ndarray, sector: np.ndarray, universe: np.ndarray, d: int, n: int) -> float:
    members = [m for m in range(returns.shape[1]) if universe[d, m] and returns[d, m] == returns[d, m]]
    mine = [m for m in members if sector[d, m] == sector[d, n]]
    used = mine if len(mine) >= 2 and sector[d, n] >= 0 else members
    return returns[d, n] - mean([returns[d, m] for m in used])


def beta_oracle(returns: np.ndarray, beta: np.ndarray, universe: np.ndarray, d: int, n: int) -> float:
    members = [m for m in range(returns.shape[1]) if universe[d, m] and returns[d, m] == returns[d, m]]
    return returns[d, n] - beta[d, n] * mean([returns[d, m] for m in members])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_agrees_with_loops(seed: int) -> None:
    returns, universe, sector, beta = draw(seed)
    moving = np.random.default_rng(seed).permuted(np.tile(sector, (len(returns), 1)), axis=1)
    expected = np.empty((3, *returns.shape))
    for d, n in np.ndindex(returns.shape):
        expected[0, d, n] = sector_oracle(returns, np.tile(sector, (6, 1)), universe, d, n)
        expected[1, d, n] = sector_oracle(returns, moving, universe, d, n)
        expected[2, d, n] = beta_oracle(returns, beta, universe, d, n)
    got = [
        sector_neutral(returns, sector, universe),
        sector_neutral(returns, moving, universe),
        beta_neutral(returns, beta, universe),
    ]
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-15)


def test_by_hand() -> None:
    returns = np.array([[0.01, 0.03, 0.05, NAN, 0.07]])
    universe = np.array([[True, True, True, True, False]])
    sector = np.array(["bank", "bank", "food", "food", ""], dtype=object)
    # banks lose their mean .02; food has one labelled member and the last no sector: both lose the day's .03
    got = sector_neutral(returns, sector, universe)
    np.testing.assert_allclose(got, [[-0.01, 0.01, 0.02, NAN, 0.04]], atol=1e-15)
    beta = np.array([[1.0, 0.5, NAN, 1.0, 2.0]])
    got = beta_neutral(returns, beta, universe)
    np.testing.assert_allclose(got, [[-0.02, 0.015, NAN, NAN, 0.01]], atol=1e-15)


def test_names_and_numbers_of_sectors_mean_the_same() -> None:
    returns, universe, sector, _ = draw(3)
    names = np.array(["" if s < 0 else f"sector {s}" for s in sector])
    expected = sector_neutral(returns, sector, universe)
    for given_ in (names, names.astype(object), sector.astype(np.int16), np.tile(names, (len(returns), 1))):
        np.testing.assert_array_equal(sector_neutral(returns, given_, universe), expected)


def test_nobody_outside_the_universe_moves_a_mean() -> None:
    returns, universe, sector, beta = draw(5)
    other = np.where(universe, returns, 1e6)
    for f, x in ((sector_neutral, sector), (beta_neutral, beta)):
        a, b = f(returns, x, universe), f(other, x, universe)
        np.testing.assert_array_equal(a[universe], b[universe])


def test_a_common_move_of_a_sector_and_a_market_move_are_gone() -> None:
    rng = np.random.default_rng(1)
    sector, beta = np.arange(40) % 4, rng.uniform(0.5, 1.5, (3, 40))
    own = rng.normal(0, 0.01, (3, 40))
    everybody = np.ones(own.shape, dtype=bool)
    moved = own + np.array([0.1, -0.2, 0.3, 0.0])[sector]
    np.testing.assert_allclose(
        sector_neutral(moved, sector, everybody), sector_neutral(own, sector, everybody), atol=1e-15
    )
    # returns that are nothing but the market times beta: the mean beta is not 1, so the mean return is not the move
    pure = 0.05 * beta / beta.mean(axis=1, keepdims=True)
    betas = beta / beta.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(beta_neutral(pure, betas, everybody), 0.0, atol=1e-15)


def test_sessions_and_stocks_may_be_absent() -> None:
    for shape in ((0, 5), (4, 0)):
        empty = np.zeros(shape)
        everybody = np.ones(shape, dtype=bool)
        assert sector_neutral(empty, np.zeros(shape[1], dtype=int), everybody).shape == shape
        assert beta_neutral(empty, empty, everybody).shape == shape


def test_ranks_are_those_of_the_panel() -> None:
    returns, universe, sector, beta = draw(7)
    for values in (sector_neutral(returns, sector, universe), beta_neutral(returns, beta, universe)):
        got = neutral_ranks(values, universe)
        assert got.dtype == np.float32
        assert np.nanmax(np.abs(got), initial=0.0) < 0.5
        np.testing.assert_array_equal(np.isnan(got), np.isnan(values) | ~universe)
        np.testing.assert_array_equal(got, rank_targets(values[:, :, None], universe)[..., 0])


def test_float32_returns_are_averaged_in_float64() -> None:
    returns, universe, sector, beta = draw(11)
    single = returns.astype(np.float32)
    for f, x in ((sector_neutral, sector), (beta_neutral, beta)):
        got = f(single, x, universe)
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, f(single.astype(np.float64), x, universe))


def test_sectors_of_another_shape_are_refused() -> None:
    returns, universe, sector, _ = draw(0)
    with pytest.raises(DataError, match="sectors do not fit"):
        sector_neutral(returns, sector[:-1], universe)
