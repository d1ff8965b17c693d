"""The probability of backtest overfitting: against plain loops, and on searches whose answer is known."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.many_tries.overfitting import overfitting


def _by_loops(series: np.ndarray, blocks: int, measure: str) -> tuple[list[float], list[float], list[float]]:
    def measured(rows: list[int], trial: int) -> float:
        values = np.concatenate([parts[b][:, trial] for b in rows])
        return values.mean() if measure == "mean" else values.mean() / values.std(ddof=1)

    parts = np.array_split(series, blocks)
    logits, inside, outside = [], [], []
    for half in combinations(range(blocks), blocks // 2):
        rest = [b for b in range(blocks) if b not in half]
        within = [measured(list(half), m) for m in range(series.shape[1])]
        beyond = [measured(rest, m) for m in range(series.shape[1])]
        best = int(np.argmax(within))
        relative = stats.rankdata(beyond)[best] / (series.shape[1] + 1)
        logits.append(math.log(relative / (1 - relative)))
        inside.append(within[best])
        outside.append(beyond[best])
    return logits, inside, outside


@pytest.mark.parametrize("measure", ["ratio", "mean"])
@pytest.mark.parametrize(("days", "trials", "blocks"), [(61, 7, 6), (40, 2, 4), (300, 12, 8)])
def test_as_plain_loops(measure, days, trials, blocks):
    series = np.random.default_rng(days).normal(0.05, 1.0, (days, trials)) * np.linspace(1, 3, trials)
    found = overfitting(series, blocks=blocks, measure=measure)
    logits, inside, outside = _by_loops(series, blocks, measure)
    assert len(found.logits) == math.comb(blocks, blocks // 2)
    np.testing.assert_allclose(found.logits, logits, atol=1e-12)
    np.testing.assert_allclose(found.inside, inside)
    np.testing.assert_allclose(found.outside, outside)
    assert found.probability == pytest.approx(np.mean(np.array(logits) <= 1e-12))
    assert found.loss_probability == np.mean(np.array(outside) < 0)
    assert found.slope == pytest.approx(stats.linregress(inside, outside).slope)


def test_a_trial_that_is_better_is_not_overfitted():
    series = np.random.default_rng(0).normal(size=(500, 10))
    series[:, 3] += 0.4
    found = overfitting(series)
    assert found.probability < 0.02
    assert found.loss_probability < 0.02
    assert len(found.logits) == 12_870


def test_choosing_among_noise_is_a_coin():
    rng = np.random.default_rng(1)
    found = [overfitting(rng.normal(size=(240, 20)), blocks=8).probability for _ in range(60)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)  # standard error .03


def test_trials_that_win_by_turns_are_overfitted():
    # What is good in the first half of the days is as bad in the second.
    series = np.random.default_rng(2).normal(size=(400, 10))
    series[:200] += np.linspace(-0.5, 0.5, 10)
    series[200:] -= np.linspace(-0.5, 0.5, 10)
    found = overfitting(series, blocks=2)
    assert found.probability == 1.0
    assert overfitting(series).slope < -0.5


def test_missing_days_are_left_out_for_all_and_counted():
    series = np.random.default_rng(3).normal(size=(100, 4))
    holes = np.insert(series, [5, 50], np.nan, axis=0)
    holes[5, 0] = 1.0
    found = overfitting(holes, blocks=4, without_series=6)
    assert (found.days, found.days_left_out, found.trials, found.without_series) == (100, 2, 4, 6)
    np.testing.assert_array_equal(found.logits, overfitting(series, blocks=4).logits)


def test_ties_share_their_rank_and_a_flat_half_has_ratio_0():
    series = np.zeros((40, 3))
    series[::2, 0] = 1.0
    series[:20, 1:] = np.random.default_rng(4).normal(-1, 0.1, (20, 1))
    found = overfitting(series, blocks=2)
    # Inside the first half the first trial is best, outside too; inside the second it is again.
    assert found.logits.tolist() == pytest.approx([math.log(3)] * 2)
    assert found.outside[0] > 0


@pytest.mark.parametrize(
    ("series", "blocks", "what"),
    [
        (np.ones((40, 3)), 5, "cannot be halved"),
        (np.ones((40, 3)), 22, "cannot be halved"),
        (np.ones((40, 1)), 4, "too few trials"),
        (np.ones((7, 3)), 4, "too few days"),
        (np.ones((40, 3)), 4, "cannot be compared"),
    ],
)
def test_impossible_requests_are_refused(series, blocks, what):
    with pytest.raises(EvaluationError, match=what):
        overfitting(series, blocks=blocks)
