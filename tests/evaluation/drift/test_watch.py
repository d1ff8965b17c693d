"""What a fold's watch notes and rings, against the functions that measure one thing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gogooku3.evaluation.drift.coverage import coverage
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.population_stability import population_stability
from gogooku3.evaluation.drift.reference_bins import reference_bins
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.evaluation.drift.watch import Watch, most_severe_first

NAN = float("nan")
DAYS = np.arange("2021-01-01", "2022-01-01", dtype="datetime64[D]")[:245]


@pytest.fixture
def watch() -> Watch:
    """One that has seen nothing."""
    return Watch.empty(DriftSettings())


def test_a_feature_is_noted_once_and_rings_twice_where_it_moved_and_went_missing(watch):
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(1000, 1)), rng.normal(2, 1, (500, 1))
    before[:20], after[:100] = NAN, NAN
    watch.feature("2021", "beta", before, after)
    watch.feature("2021", "same", before, before)
    moved, same = watch.moved
    expected = population_stability(reference_bins(before), after, name="beta")
    assert (moved.index, moved.floor) == (expected.index, expected.floor)
    assert (moved.missing, moved.missing_before) == (0.2, 0.02)
    assert (moved.fold, moved.kind, moved.name) == ("2021", "feature", "beta")
    assert same.index == 0.0
    assert [alarm.kind for alarm in watch.alarms] == ["stability", "missing"]
    assert watch.alarms[0].text.startswith("2021: beta has moved: PSI ")
    assert watch.alarms[1].text == ("2021: beta is missing for 20.0% of the stock-days, 2.0% in training.")


def test_what_training_did_not_have_has_no_index(watch):
    watch.feature("2021", "new", np.full((50, 1), NAN), np.arange(50.0))
    watch.feature("2021", "gone", np.arange(50.0), np.empty(0))
    new, gone = watch.moved
    assert math.isnan(new.index)
    assert (new.missing, new.missing_before) == (0.0, 1.0)
    assert math.isnan(gone.index)
    assert math.isnan(gone.missing)
    assert watch.alarms == []


def test_a_score_is_held_against_its_own_raw_outputs(watch):
    before = np.linspace(-1, 1, 200)
    watch.score("2021", "ridge h5_d1", before, 3 * before, missing=0.25)
    (moved,) = watch.moved
    assert (moved.kind, moved.missing, moved.missing_before) == ("score", 0.25, 0.0)
    assert moved.index > 0.25
    assert [alarm.name for alarm in watch.alarms] == ["ridge h5_d1"]  # its coverage is rung elsewhere


def test_coverage_rings(watch):
    universe = np.ones((2, 4), dtype=bool)
    score = np.array([[1.0, NAN, NAN, 1.0], [1.0] * 4])
    watch.covered("2021", coverage(score, universe, name="ridge"))
    assert [alarm.text[:12] for alarm in watch.alarms] == ["2021: ridge "]


def test_a_lost_rank_ic_rings_and_a_kept_one_does_not(watch):
    rng = np.random.default_rng(1)
    earlier = rng.normal(0.05, 0.1, 500)
    kept, lost = rng.normal(0.1, 0.1, 245), rng.normal(-0.02, 0.1, 245)
    watch.rank_ic("2021", "kept", earlier, kept, horizon=1, sessions=DAYS)
    watch.rank_ic("2021", "lost", earlier, lost, horizon=1, sessions=DAYS)
    assert [alarm.name for alarm in watch.alarms] == ["lost"]
    assert watch.alarms[0].kind == "rank ic"
    assert watch.records == ["kept in 2021", "lost in 2021"]
    assert watch.unwatched == []


@pytest.mark.parametrize(
    ("days", "horizon", "mean", "watched"),
    [
        (159, 5, 0.1, False),
        (160, 5, 0.1, True),
        (640, 20, 0.1, True),
        (639, 20, 0.1, False),
        (640, 5, -0.1, False),
    ],
)
def test_a_short_or_worthless_record_is_not_held_against_anything(watch, days, horizon, mean, watched):
    earlier = np.random.default_rng(2).normal(mean, 0.1, days + 5)
    earlier[:5] = NAN
    watch.rank_ic("2021", "x", earlier, np.full(245, -0.5), horizon=horizon, sessions=DAYS)
    assert bool(watch.records) == watched == bool(watch.alarms)
    assert bool(watch.unwatched) != watched


def test_most_severe_first_within_a_kind():
    def alarm(kind: str, seen: float, threshold: float) -> DriftAlarm:
        return DriftAlarm(kind=kind, name=f"{seen}", seen=seen, threshold=threshold, text="")

    given = [
        alarm("missing", 0.1, 0.05),
        alarm("stability", 0.3, 0.25),
        alarm("coverage", 0.8, 0.9),
        alarm("stability", 0.9, 0.25),
        alarm("coverage", 0.1, 0.9),
        alarm("rank ic", 2.0, 1.0),
        alarm("rank ic", 9.0, 6.0),
        alarm("missing", 0.06, 0.0),
    ]
    assert [one.name for one in most_severe_first(given)] == [
        "2.0", "9.0", "0.1", "0.8", "0.9", "0.3", "0.06", "0.1",
    ]  # fmt: skip
