"""Buckets and what they earned, against loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gogooku3.evaluation.buckets import quantile_buckets
from gogooku3.evaluation.deciles import daily_deciles


def test_buckets_hold_equal_counts_in_order():
    score = np.random.default_rng(0).permutation(40).astype(float)[None]
    bucket = quantile_buckets(score)[0]
    assert np.bincount(bucket).tolist() == [4] * 10
    np.testing.assert_array_equal(bucket, score[0] // 4)


@pytest.mark.parametrize("names", [20, 23, 25, 37, 99])
def test_bucket_sizes_differ_by_at_most_one_and_are_symmetric(names):
    score = np.arange(names, dtype=float)[None]
    bucket = quantile_buckets(score)[0]
    sizes = np.bincount(bucket, minlength=10)
    assert sizes.max() - sizes.min() <= 1
    assert sizes.sum() == names


def test_ties_share_a_bucket_and_the_order_of_stocks_does_not_matter():
    rng = np.random.default_rng(1)
    score = rng.integers(0, 8, (5, 50)).astype(float)
    score[:, :5] = np.nan
    bucket = quantile_buckets(score)
    for day in range(5):
        for value in range(8):
            assert len(set(bucket[day, score[day] == value])) <= 1
    assert (bucket[:, :5] == -1).all()
    shuffle = rng.permutation(50)
    np.testing.assert_array_equal(quantile_buckets(score[:, shuffle]), bucket[:, shuffle])


def test_too_few_names_have_no_buckets():
    score = np.arange(30, dtype=float)[None].repeat(2, axis=0)
    score[1, 19:] = np.nan
    bucket = quantile_buckets(score)
    assert (bucket[0] >= 0).all()
    assert (bucket[1] == -1).all()


def _random(seed: int):
    rng = np.random.default_rng(seed)
    score, label = rng.normal(size=(2, 40, 60))
    label += score
    score[rng.random(score.shape) < 0.1] = np.nan
    label[rng.random(label.shape) < 0.3] = np.nan
    label[7] = np.nan
    label[8, 10:] = np.nan
    return score, label


def test_decile_returns_equal_a_loop():
    score, label = _random(2)
    result = daily_deciles(score, label)
    for day in range(len(score)):
        scored = np.flatnonzero(np.isfinite(score[day]))
        order = stats.rankdata(score[day, scored])
        bucket = np.floor((order - 0.5) * 10 / len(scored) + 1e-12).astype(int)
        enough = np.isfinite(label[day, scored]).sum() >= 20
        for decile in range(10):
            values = label[day, scored[bucket == decile]]
            values = values[np.isfinite(values)]
            if enough and len(values):
                assert result.returns[day, decile] == pytest.approx(values.mean())
            else:
                assert np.isnan(result.returns[day, decile])
        assert result.spread[day] == pytest.approx(
            result.returns[day, 9] - result.returns[day, 0], nan_ok=True
        )
    assert np.isnan(result.returns[[7, 8]]).all()


def test_hit_rate_equals_a_loop():
    score, label = _random(3)
    score[4] = 1.0  # a constant score has no sign and does not count
    result = daily_deciles(score, label)
    hits = pairs = 0
    for day in range(len(score)):
        both = np.isfinite(score[day]) & np.isfinite(label[day])
        if both.sum() < 20 or day == 4:
            continue
        s, y = score[day, both], label[day, both]
        hits += int(((s > s.mean()) == (y > y.mean())).sum())
        pairs += int(both.sum())
    rows = np.ones(len(score), dtype=bool)
    assert result.hit_rate(rows) == pytest.approx(hits / pairs)
    assert result.hit_rate(~rows) != result.hit_rate(~rows)


def test_monotonicity_by_hand():
    score = np.arange(40, dtype=float)[None].repeat(3, axis=0)
    label = score.copy()
    rows = np.ones(3, dtype=bool)
    assert daily_deciles(score, label).monotonicity(rows) == pytest.approx(1.0)
    assert daily_deciles(score, -label).monotonicity(rows) == pytest.approx(-1.0)
    label[:, 36:] = -1.0  # the top decile earns least: ranks 2..10, 1
    expected = stats.spearmanr(np.arange(10), [*range(2, 11), 1]).statistic
    assert daily_deciles(score, label).monotonicity(rows) == pytest.approx(expected)
    assert np.isnan(daily_deciles(score, np.zeros_like(label)).monotonicity(rows))
