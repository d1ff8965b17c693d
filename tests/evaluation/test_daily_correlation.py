"""Daily correlations against scipy, day by day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.information_coefficient import daily_ic
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.ranks import average_ranks


def _grids(seed: int = 0, days: int = 300, stocks: int = 40, *, ties: bool = True):
    rng = np.random.default_rng(seed)
    score, label = rng.normal(size=(2, days, stocks))
    label += 0.3 * score
    if ties:
        score = np.round(score, 1)
        label = np.round(label, 1)
    score[rng.random(score.shape) < 0.2] = np.nan
    label[rng.random(label.shape) < 0.2] = np.nan
    return score, label


@pytest.mark.parametrize(
    ("ours", "theirs"), [(daily_rank_ic, stats.spearmanr), (daily_ic, stats.pearsonr)], ids=["rank_ic", "ic"]
)
def test_agrees_with_scipy_day_by_day(ours, theirs):
    score, label = _grids()
    result = ours(score, label, min_names=20)
    for day in range(len(score)):
        both = np.isfinite(score[day]) & np.isfinite(label[day])
        assert result.names[day] == both.sum()
        if both.sum() < 20:
            assert result.too_few[day]
            assert np.isnan(result.values[day])
        else:
            assert result.values[day] == pytest.approx(
                theirs(score[day, both], label[day, both]).statistic, abs=1e-12
            )
    assert 0 < result.too_few.sum() < len(score)
    assert result.days == (~result.too_few).sum()


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.one_of(st.just(np.nan), st.integers(-3, 3).map(float)),
    )
)
def test_ranks_agree_with_scipy(grid):
    expected = stats.rankdata(grid, axis=1, nan_policy="omit")
    np.testing.assert_array_equal(average_ranks(grid), expected)


def test_ranks_over_many_blocks_and_without_stocks():
    grid = np.random.default_rng(1).integers(0, 5, (300, 7)).astype(float)
    np.testing.assert_array_equal(average_ranks(grid), stats.rankdata(grid, axis=1))
    assert average_ranks(np.empty((3, 0))).shape == (3, 0)


def test_rank_ic_does_not_see_the_scale_nor_the_order_of_stocks():
    score, label = _grids(3, ties=False)
    plain = daily_rank_ic(score, label).values
    np.testing.assert_allclose(daily_rank_ic(np.exp(score), label).values, plain, atol=1e-12)
    shuffle = np.random.default_rng(0).permutation(score.shape[1])
    np.testing.assert_allclose(daily_rank_ic(score[:, shuffle], label[:, shuffle]).values, plain, atol=1e-12)
    np.testing.assert_allclose(daily_rank_ic(-score, label).values, -plain, atol=1e-12)


def test_exactly_the_least_number_of_names_has_a_value():
    rng = np.random.default_rng(0)
    score, label = rng.normal(size=(2, 2, 25))
    score[0, 20:] = np.nan
    label[1, 19:] = np.nan
    result = daily_rank_ic(score, label)
    assert list(result.names) == [20, 19]
    assert list(result.too_few) == [False, True]
    assert np.isfinite(result.values[0])


@pytest.mark.parametrize("measure", [daily_rank_ic, daily_ic])
def test_constant_days_are_counted_and_have_no_value(measure):
    score, label = _grids(5, stocks=60)
    score[10] = 0.3
    label[11] = 0.0
    label[12] = np.nan
    result = measure(score, label)
    assert np.flatnonzero(result.constant).tolist() == [10]
    assert np.flatnonzero(result.constant_label).tolist() == [11]
    assert np.flatnonzero(result.too_few).tolist() == [12]
    assert np.isnan(result.values[[10, 11, 12]]).all()
    assert result.days == len(score) - 3


@pytest.mark.parametrize("measure", [daily_rank_ic, daily_ic])
def test_a_score_that_is_constant_every_day_is_an_error_of_the_model(measure):
    label = np.random.default_rng(0).normal(size=(30, 50))
    score = np.repeat(np.arange(30.0)[:, None], 50, axis=1)  # differs between days, not between stocks
    score[0, 5:] = np.nan  # a day with too few names is no excuse
    with pytest.raises(EvaluationError, match="a constant score is an error of the model"):
        measure(score, label)


def test_a_score_without_any_label_has_no_value_and_is_no_constant():
    score = np.random.default_rng(0).normal(size=(5, 30))
    result = daily_rank_ic(score, np.full_like(score, np.nan))
    assert result.days == 0
    assert result.too_few.all()
    assert not result.constant.any()


def test_infinity_is_refused_with_its_place():
    score, label = _grids(0)
    score[3, 7] = np.inf
    with pytest.raises(EvaluationError, match="row 3, stock 7"):
        daily_rank_ic(score, label)
