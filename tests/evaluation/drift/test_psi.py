"""Stability, coverage and missing rate: by hand, by brute force, and when they alarm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.drift.coverage import coverage
from gogooku3.evaluation.drift.missing_rate import missing_rate
from gogooku3.evaluation.drift.population_stability import population_stability
from gogooku3.evaluation.drift.reference_bins import ReferenceBins, reference_bins
from gogooku3.evaluation.drift.settings import DriftSettings

NAN = float("nan")


def test_bins_by_hand():
    bins = reference_bins(np.array([[5.0, 1.0, 2.0, NAN], [3.0, 4.0, 6.0, NAN]]), bins=3)
    assert bins == ReferenceBins(edges=(2.0, 4.0), counts=(2, 2, 2), missing=2)
    assert bins.missing_rate == 0.25
    assert bins.count(np.array([[-np.inf, 2.0], [2.1, NAN]])).tolist() == [2, 1, 0]


def test_ten_bins_of_distinct_values_are_equal():
    bins = reference_bins(np.random.default_rng(0).normal(size=1003))
    assert len(bins.counts) == 10
    assert max(bins.counts) - min(bins.counts) <= 1


def test_a_constant_feature_has_a_bin_of_its_own_so_both_ways_out_are_seen():
    bins = reference_bins(np.full(50, 7.0))
    assert bins.counts == (0, 50, 0)
    for moved in (6.999, 7.001):
        assert population_stability(bins, np.full(50, moved), name="x").index > 5
    assert population_stability(bins, np.full(50, 7.0), name="x").index == pytest.approx(0)


def test_a_heavy_value_inside_has_a_bin_of_its_own():
    values = np.concatenate([np.zeros(60), np.arange(-20, 0), np.arange(1, 21)]).astype(float)
    bins = reference_bins(values)
    position = int(np.searchsorted(bins.edges, 0.0))
    assert bins.counts[position] == 60
    assert sum(bins.counts) == 100


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-4, 4) | st.floats(-5, 5) | st.just(NAN), min_size=5, max_size=60),
    st.integers(2, 5),
)
def test_counts_of_the_reference_are_what_count_says(values, bins):
    given_values = np.array(values, dtype=float)
    if np.isfinite(given_values).sum() < bins:
        with pytest.raises(EvaluationError, match="no reference"):
            reference_bins(given_values, bins=bins)
        return
    made = reference_bins(given_values, bins=bins)
    assert tuple(made.count(given_values)) == made.counts
    assert made.values + made.missing == len(values)
    assert list(made.edges) == sorted(set(made.edges))


def test_psi_by_hand():
    reference = ReferenceBins(edges=(0.0,), counts=(49, 49), missing=0)
    values = np.array([1.0] * 74 + [-1.0] * 24)
    p, q = (24.5 / 99, 74.5 / 99), (49.5 / 99, 49.5 / 99)
    by_hand = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    found = population_stability(reference, values, name="score")
    assert found.index == pytest.approx(by_hand)
    assert found.floor == pytest.approx(1 / 98 + 1 / 98)
    assert found.values == 98
    assert by_hand == pytest.approx(0.28, abs=0.005)
    alarm = found.alarm(DriftSettings())
    assert alarm is not None
    assert (alarm.kind, alarm.name, alarm.seen, alarm.threshold) == ("stability", "score", found.index, 0.25)
    assert "PSI 0.28, above 0.25; bin 1 of 2 holds 25% of the values, 50% in training" in alarm.text
    assert found.alarm(DriftSettings(max_psi=0.29)) is None


def test_psi_has_the_expectation_that_is_stated():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        reference = reference_bins(rng.normal(size=2000))
        found.append(population_stability(reference, rng.normal(size=1000), name="x"))
    mean = np.mean([one.index for one in found])
    assert mean == pytest.approx(found[0].floor, rel=0.1)  # 9 (1/2000 + 1/1000), standard error 3 %


def test_psi_sees_a_shift_and_a_change_of_scale_and_not_the_order():
    rng = np.random.default_rng(4)
    reference, values = reference_bins(rng.normal(size=(50, 100))), rng.normal(size=4000)
    assert population_stability(reference, values, name="x").alarm(DriftSettings()) is None
    assert population_stability(reference, values + 0.7, name="x").alarm(DriftSettings()) is not None
    assert population_stability(reference, values * 2.5, name="x").alarm(DriftSettings()) is not None
    shuffled = rng.permutation(values)
    assert (
        population_stability(reference, shuffled, name="x").index
        == population_stability(reference, values, name="x").index
    )


def test_no_value_is_no_index_and_an_infinite_one_is_refused():
    reference = reference_bins(np.arange(20.0))
    empty = population_stability(reference, np.full(3, NAN), name="x")
    assert math.isnan(empty.index)
    assert empty.alarm(DriftSettings()) is None
    with pytest.raises(EvaluationError, match="infinite"):
        population_stability(reference, np.array([np.inf]), name="x")


def test_coverage_by_hand():
    score = np.array([[1.0, NAN, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0], [NAN] * 4, [1.0] * 4])
    universe = np.array([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)
    found = coverage(score, universe, name="ridge")
    assert found.share[:3].tolist() == pytest.approx([2 / 3, 1.0, 0.0])
    assert math.isnan(found.share[3])
    assert found.members.tolist() == [3, 4, 1, 0]
    assert found.low(DriftSettings()).tolist() == [0, 2, 3]
    alarm = found.alarm(DriftSettings(min_coverage=0.5))
    assert alarm is not None
    assert alarm.seen == 0.0
    assert alarm.text == "ridge scores less than 50% of the universe on 2 of 4 sessions, 0% on the worst."
    assert coverage(score[1:2], universe[1:2], name="ridge").alarm(DriftSettings()) is None
    with pytest.raises(EvaluationError, match="not aligned"):
        coverage(score, universe[:, :2], name="ridge")


def test_missing_rate_by_hand():
    reference = reference_bins(np.array([*range(18), NAN, NAN], dtype=float))
    values = np.array([[1.0, NAN], [2.0, 3.0], [NAN, 3.0], [5.0, 3.0]])
    found = missing_rate(reference, values, name="beta")
    assert (found.rate, found.reference, found.values) == (0.25, 0.1, 8)
    assert found.alarm(DriftSettings(max_missing_rise=0.15)) is None
    alarm = found.alarm(DriftSettings(max_missing_rise=0.14))
    assert alarm is not None
    assert alarm.text == "beta is missing for 25.0% of the stock-days, 10.0% in training."
    with pytest.raises(EvaluationError, match="nothing to watch"):
        missing_rate(reference, values[:0], name="beta")
