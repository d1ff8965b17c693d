from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gogooku3.evaluation.significance import ewc_test
from gogooku3.evaluation.two_sample import compare_means


def test_by_hand() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.05, 0.1, 90), rng.normal(0.02, 0.1, 700)
    second[::9] = np.nan
    found = compare_means(first, second, horizon=5, confidence=0.9)
    one, other = ewc_test(first, horizon=5), ewc_test(second, horizon=5)
    a, b = one.standard_error**2, other.standard_error**2
    freedom = (a + b) ** 2 / (a**2 / one.freedom + b**2 / other.freedom)
    assert found.difference == pytest.approx(first.mean() - np.nanmean(second))
    assert found.freedom == pytest.approx(freedom)
    assert found.t == pytest.approx(found.difference / np.sqrt(a + b))
    assert found.high - found.difference == pytest.approx(stats.t(freedom).ppf(0.95) * np.sqrt(a + b))
    assert found.low + found.high == pytest.approx(2 * found.difference)


def test_the_same_mean_is_rejected_as_often_as_said() -> None:
    rng = np.random.default_rng(8)
    rejected = 0
    for _ in range(400):
        found = compare_means(rng.normal(0, 1, 60), rng.normal(0, 2, 400), horizon=1, confidence=0.9)
        rejected += found.low > 0 or found.high < 0
    assert 20 <= rejected <= 60  # 40 expected, standard deviation 6


def test_a_series_that_is_too_short_says_nothing() -> None:
    found = compare_means(np.array([0.1, 0.2]), np.arange(50.0), horizon=1, confidence=0.95)
    assert np.isnan([found.t, found.low, found.high]).all()
