"""Correlations from sorted grids are those of ``daily_rank_ic``, and those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.anatomy.ordered_grid import ordered, rank_correlation
from gogooku3.evaluation.rank_ic import daily_rank_ic
from tests.evaluation.anatomy.markets import grids

_values = st.sampled_from([0.0, -0.0, 1.0, 2.0, 2.5, -1e300, np.nan])


def test_equals_daily_rank_ic():
    score, label = grids()
    found = rank_correlation(ordered(score), ordered(label), min_names=8)
    expected = daily_rank_ic(score, label, min_names=8).values
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    assert np.isnan(found[[3, 4]]).all()
    assert np.isfinite(found).sum() == len(found) - 2


@given(left=arrays(np.float64, (1, 9), elements=_values), right=arrays(np.float64, (1, 9), elements=_values))
def test_equals_scipy(left, right):
    both = np.isfinite(left[0]) & np.isfinite(right[0])
    x, y = left[0, both], right[0, both]
    found = rank_correlation(ordered(left), ordered(right), min_names=3)[0]
    if len(x) < 3 or np.ptp(stats.rankdata(x)) == 0 or np.ptp(stats.rankdata(y)) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_rows_are_those_of_the_whole():
    score, label = (ordered(grid) for grid in grids())
    whole = rank_correlation(score, label, min_names=8)
    part = rank_correlation(score.rows(5, 20), label.rows(5, 20), min_names=8)
    np.testing.assert_array_equal(part, whole[5:20])


def test_infinite_values_and_other_shapes_are_refused():
    score, label = grids()
    with pytest.raises(EvaluationError, match="not aligned"):
        rank_correlation(ordered(score), ordered(label[:, 1:]), min_names=8)
    score[2, 3] = np.inf
    with pytest.raises(EvaluationError, match="row 2, stock 3"):
        ordered(score)
