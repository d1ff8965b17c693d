from __future__ import annotations

import numpy as np

from gogooku3.labels.factor_neutral import factor_neutral


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sector = rng.integers(-1, 4, size=120)
    factors = rng.random((5, 120, 2)) - 0.5
    universe = rng.random((5, 120)) < 0.9
    returns = 0.02 * rng.normal(size=(5, 120))
    returns[rng.random(returns.shape) < 0.05] = np.nan
    return returns, sector, factors, universe


def test_it_is_the_residual_of_least_squares() -> None:
    returns, sector, factors, universe = drawn()
    found = factor_neutral(returns, sector, factors, universe)
    for day in range(5):
        member = np.flatnonzero(universe[day] & ~np.isnan(returns[day]))
        dummies = (sector[member][:, None] == np.unique(sector)).astype(float)
        design = np.concatenate([dummies, factors[day, member]], axis=1)
        values = returns[day, member]
        values = np.clip(values, *np.quantile(values, [0.005, 0.995]))
        slope, *_ = np.linalg.lstsq(design, values, rcond=None)
        np.testing.assert_allclose(found[day, member], values - design @ slope, atol=1e-5)
        others = np.setdiff1d(np.arange(120), member)
        assert np.isnan(found[day, others]).all()


def test_common_moves_leave_nothing() -> None:
    _, sector, factors, universe = drawn()
    common = 0.03 * factors[:, :, 0] - 0.01 * factors[:, :, 1] + 0.005 * sector
    found = factor_neutral(common, sector, factors, universe)
    assert np.nanquantile(np.abs(found), 0.95) < 1e-3  # the clipped tails leave a little
    assert np.nanstd(common) > 1e-2


def test_a_session_of_few_members_and_a_missing_characteristic() -> None:
    returns, sector, factors, universe = drawn()
    universe[2] = False
    universe[2, :6] = True
    factors[3, :10] = np.nan
    found = factor_neutral(returns, sector, factors, universe)
    assert np.isnan(found[2]).all()
    zeroed = np.nan_to_num(factors)
    np.testing.assert_array_equal(found[3], factor_neutral(returns, sector, zeroed, universe)[3])
