"""All pairs at once are each pair by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.graphs import correlation as module
from gogooku3.graphs.correlation import correlation


def sample(seed: int, sessions: int = 60, stocks: int = 30, gaps: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = 0.01 * (rng.standard_t(4, (sessions, stocks)) + rng.normal(size=(sessions, 1))) + 0.002
    x[rng.random(x.shape) < gaps * rng.integers(0, 2, stocks)] = np.nan
    return x


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.6]), st.integers(12, 80), st.sampled_from([3, 10]))
def test_equals_pandas(seed: int, gaps: float, sessions: int, need: int) -> None:
    x = sample(seed, sessions, 12, gaps)
    expected = pd.DataFrame(x).corr(min_periods=need).to_numpy()
    np.testing.assert_allclose(correlation(x, need), expected, rtol=0, atol=1e-6)


def test_gaps_are_taken_some_stocks_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x = sample(1, gaps=0.2)
    whole = correlation(x, 20)
    monkeypatch.setattr(module, "_ROWS", 4)
    np.testing.assert_allclose(correlation(x, 20), whole, rtol=0, atol=1e-7)


def test_is_symmetric_with_ones_on_the_diagonal() -> None:
    result = correlation(sample(2), 20)
    np.testing.assert_array_equal(result, result.T)
    np.testing.assert_allclose(np.diag(result), 1.0, atol=1e-6)
    assert result.dtype == np.float32
    assert np.nanmax(np.abs(result)) <= 1.0


def test_a_stock_that_does_not_vary_has_no_correlation() -> None:
    x = sample(3, gaps=0.0)
    x[:, 4] = 0.1
    x[:, 5] = 0.0
    x[10:, 6] = np.nan  # does not vary where others are
    x[:10, 7] = np.nan
    x[10:, 7] = 0.25
    x[5, 8] = np.nan
    result = correlation(x, 3)
    assert np.isnan(result[[4, 5]]).all()
    assert np.isnan(result[:, [4, 5]]).all()
    assert np.isnan(result[7]).all()
    assert np.isnan(result[6, 7])
    assert np.isfinite(result[6, 8])


def test_pairs_with_too_few_common_sessions_have_none() -> None:
    x = sample(4, gaps=0.0)
    x[:30, 0] = np.nan
    x[40:, 1] = np.nan
    assert np.isfinite(correlation(x, 10)[0, 1])
    assert np.isnan(correlation(x, 11)[0, 1])
    assert np.isfinite(correlation(x, 30)[0, 2])
    assert np.isnan(correlation(x, 31)[0]).all()
    assert np.isnan(correlation(x, 61)).all()


def test_the_level_of_returns_costs_no_digits() -> None:
    x = sample(5)
    np.testing.assert_allclose(correlation(x + 1e4, 20), correlation(x, 20), rtol=0, atol=1e-6)
