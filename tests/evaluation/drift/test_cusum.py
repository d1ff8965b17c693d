"""The cumulative sum: by hand, published run lengths, and simulated ones with overlapping labels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.drift.cusum import cusum, decision_reach, run_length
from gogooku3.evaluation.drift.rank_ic_reference import RankICReference, rank_ic_reference
from gogooku3.evaluation.drift.settings import DriftSettings

NAN = float("nan")
DAYS = np.arange("2021-03-01", "2021-03-10", dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("threshold", "published"), [(4.0, 336.0), (5.0, 930.0)]
)  # Montgomery, Introduction to Statistical Quality Control: two-sided 168 and 465 at slack 1/2
def test_run_lengths_are_the_published_ones(threshold, published):
    assert run_length(0.5, threshold + 1.166) == pytest.approx(published, rel=0.01)


def test_delay_is_the_published_one():
    assert run_length(-0.5, 5.166) == pytest.approx(8.38, rel=0.02)  # same table, shift of one, threshold 4


def test_run_length_without_drift_is_the_limit():
    assert run_length(0.0, 3.0) == pytest.approx(run_length(1e-5, 3.0), rel=1e-3)


@pytest.mark.parametrize("slack", [0.01, 0.15, 0.5, 2.0])
def test_reach_is_the_inverse(slack):
    assert run_length(slack, decision_reach(slack, 2500.0)) == pytest.approx(2500, rel=1e-6)


def test_by_hand():
    reference = RankICReference(mean=0.2, deviation=0.1, long_run_deviation=0.1, days=500)
    settings = DriftSettings(quiet_sessions=2000)
    threshold = decision_reach(1.0, 2000.0) * 0.1 - 0.1166  # slack .1 is one deviation
    values = np.array([0.3, 0.0, NAN, 0.05, -0.2, 0.0, 0.3, 0.3])
    found = cusum(values, reference=reference, name="ridge", settings=settings)
    assert found.slack == pytest.approx(0.1)
    assert found.threshold == pytest.approx(threshold)
    assert 0.15 < threshold < 0.45
    # 0 - .2, + .1, -, + .05 = .15, then + .3 crosses and starts again: + .1, - .2 to 0, 0.
    expected = [0.0, 0.1, NAN, 0.15, 0.45, 0.1, 0.0, 0.0]
    np.testing.assert_allclose(found.statistic, expected, atol=1e-12)
    assert (found.alarms, found.since) == ((4,), (1,))
    assert found.expected_delay == pytest.approx(run_length(-1.0, decision_reach(1.0, 2000.0)))
    alarm = found.alarm(DAYS)
    assert alarm is not None
    assert alarm.text == (
        "The RankIC of ridge has fallen, it seems since 2021-03-02: "
        f"its cumulative sum is 0.45 on 2021-03-05, above {threshold:.2f}."
    )
    assert cusum(np.full(9, 0.3), reference=reference, name="x", settings=settings).alarm(DAYS) is None


def test_nothing_to_lose_and_no_reference_are_refused():
    flat = RankICReference(mean=-0.01, deviation=0.1, long_run_deviation=0.1, days=500)
    with pytest.raises(EvaluationError, match="cannot be lost"):
        cusum(np.zeros(5), reference=flat, name="x", settings=DriftSettings())
    with pytest.raises(EvaluationError, match="no reference RankIC"):
        rank_ic_reference(np.full(30, 0.1), horizon=5)
    good = RankICReference(mean=0.1, deviation=0.1, long_run_deviation=0.1, days=500)
    with pytest.raises(EvaluationError, match="infinite"):
        cusum(np.array([np.inf]), reference=good, name="x", settings=DriftSettings())


def test_reference_of_overlapping_values_has_the_long_run_deviation():
    reference = rank_ic_reference(_overlapping(np.random.default_rng(5), 20_000, 10, 0.03), horizon=10)
    assert reference.mean == pytest.approx(0.03, abs=0.007)
    assert reference.deviation == pytest.approx(0.1, rel=0.03)
    assert reference.long_run_deviation == pytest.approx(0.1 * math.sqrt(10), rel=0.1)


@pytest.mark.parametrize("horizon", [1, 5, 20])
def test_false_alarms_are_as_rare_as_stated_and_a_loss_is_found_when_expected(horizon):
    rng = np.random.default_rng(6)
    mean, wanted = 0.04, 400
    deviation = 0.1
    reference = RankICReference(
        mean=mean, deviation=deviation, long_run_deviation=deviation * math.sqrt(horizon), days=10**6
    )
    settings = DriftSettings(quiet_sessions=wanted)
    quiet = cusum(_overlapping(rng, 100_000, horizon, mean), reference=reference, name="x", settings=settings)
    assert len(quiet.alarms) > 100
    assert np.mean(np.diff(quiet.alarms)) == pytest.approx(wanted, rel=0.25)  # standard error 6 %
    lost = cusum(_overlapping(rng, 40_000, horizon, 0.0), reference=reference, name="x", settings=settings)
    assert np.mean(np.diff(lost.alarms)) == pytest.approx(lost.expected_delay, rel=0.25)


def _overlapping(rng: np.random.Generator, days: int, horizon: int, mean: float) -> np.ndarray:
    """Means over ``horizon`` sessions of independent values, with a standard deviation of .1 a day."""
    total = np.concatenate([[0.0], np.cumsum(rng.normal(size=days + horizon - 1))])
    return mean + 0.1 * (total[horizon:] - total[:-horizon]) / math.sqrt(horizon)
