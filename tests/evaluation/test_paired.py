"""Two models on the same stock-days: values by hand, coverage of the interval, the decision over many pairs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.paired import Paired, PairedCoverage, adjusted, paired
from gogooku3.evaluation.paired_json import paired_from_json, paired_to_json
from gogooku3.evaluation.rank_series import RankSeries, rank_series
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.significance import ewc_test
from gogooku3.labels.target import Target

SETTINGS = EvaluationSettings(min_names=5, bootstrap_samples=100)
TARGET = Target(1, 1)
COVERAGE = PairedCoverage(compared=1, model=1, against=1)
DAYS = np.busday_offset("2021-06-01", np.arange(300)).astype("datetime64[D]")


def fixed(values: np.ndarray) -> RankSeries:
    empty = np.empty((0, len(values)))
    return RankSeries(values=values, members=empty, without=empty)


def random(rng: np.random.Generator, seeds: int, days: int = 300) -> RankSeries:
    members = rng.normal(0.03, 0.05, (seeds, days))
    without = np.array([np.delete(members, s, axis=0).mean(axis=0) for s in range(seeds)])
    return RankSeries(values=members.mean(axis=0), members=members, without=without)


def compare(model: RankSeries, against: RankSeries, target: Target = TARGET) -> Paired:
    return paired(
        ("a:m", model),
        ("a:n", against),
        target=target,
        sessions=DAYS[: len(model.values)],
        coverage=COVERAGE,
        settings=SETTINGS,
    )


def test_the_series_of_a_model_with_members() -> None:
    rng = np.random.default_rng(0)
    members = [rng.normal(size=(6, 30)) for _ in range(3)]
    label = rng.normal(size=(6, 30))
    keep = rng.random((6, 30)) < 0.8
    found = rank_series(np.mean(members, axis=0), members, label, keep, min_names=5)

    def spearman(grid: np.ndarray, day: int) -> float:
        return float(stats.spearmanr(grid[day, keep[day]], label[day, keep[day]]).statistic)

    for day in range(6):
        assert found.values[day] == pytest.approx(spearman(np.mean(members, axis=0), day))
        for s in range(3):
            assert found.members[s, day] == pytest.approx(spearman(members[s], day))
            others = np.mean([m for k, m in enumerate(members) if k != s], axis=0)
            assert found.without[s, day] == pytest.approx(spearman(others, day))
    assert found.seeds == 3
    assert rank_series(members[0], [], label, keep, min_names=5).members.shape == (0, 6)
    with pytest.raises(EvaluationError, match="constant"):
        rank_series(np.ones((6, 30)), [], label, keep, min_names=5)


def test_without_seeds_it_is_the_test_by_cosines() -> None:
    rng = np.random.default_rng(1)
    left, right = rng.normal(0.05, 0.1, 300), rng.normal(0.03, 0.1, 300)
    left[[4, 9]], right[9] = np.nan, np.nan
    found = compare(fixed(left), fixed(right), Target(5, 0))
    expected = ewc_test(left - right, horizon=5)
    assert (found.whole.mean, found.t) == (pytest.approx(expected.mean), pytest.approx(expected.t))
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(expected.t), expected.freedom))
    assert (found.split, found.seed_error, found.whole.days) == (None, 0.0, 298)
    assert list(found.periods) == ["all", "2021", "2022"]
    year = DAYS.astype("datetime64[Y]") == np.datetime64("2022")
    assert found.periods["2022"].mean == pytest.approx(np.nanmean((left - right)[year]))
    swapped = compare(fixed(right), fixed(left), Target(5, 0))
    assert (swapped.low, swapped.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_the_seeds_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    model, other = random(rng, 4), fixed(rng.normal(0.02, 0.05, 300))
    found = compare(model, other)
    # the jackknife of a mean is the variance of its terms over their number
    means = model.members.mean(axis=1)
    assert found.seed_error == pytest.approx(means.std(ddof=1) / 2)
    days = ewc_test(model.values - other.values).standard_error ** 2
    seeds = found.seed_error**2
    freedom = (days + seeds) ** 2 / (days**2 / found.whole.freedom + seeds**2 / 3)
    assert found.freedom == pytest.approx(freedom)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(days + seeds)
    assert (found.low, found.high) == (
        pytest.approx(found.whole.mean - reach),
        pytest.approx(found.whole.mean + reach),
    )
    assert found.high - found.low > found.whole.high - found.whole.low
    assert found.split is not None
    assert found.split.seeds == 4
    assert found.split.mean == pytest.approx((model.members - other.values).mean())


def test_members_of_the_same_seed_go_together() -> None:
    rng = np.random.default_rng(3)
    first = random(rng, 3)
    shifted = RankSeries(
        values=first.values + 0.01, members=first.members + 0.01, without=first.without + 0.01
    )
    noise = RankSeries(
        values=shifted.values + rng.normal(0, 0.001, 300), members=shifted.members, without=shifted.without
    )
    found = compare(noise, first)
    assert found.seed_error == pytest.approx(0, abs=1e-12)  # what the seeds do cancels
    assert found.split is not None
    assert found.split.seed_sd == pytest.approx(0, abs=1e-12)
    assert found.split.mean == pytest.approx(0.01)


def test_the_interval_holds_the_truth_for_new_seeds_and_days() -> None:
    """Members differ in quality: of 300 markets, the interval misses the true difference in about 5 %."""
    rng = np.random.default_rng(4)
    missed = missed_by_days = 0
    for _ in range(300):
        quality = rng.normal(0.03, 0.006, 4)
        days = rng.normal(0, 0.05, 300)
        members = quality[:, None] + days + rng.normal(0, 0.02, (4, 300))
        without = np.array([np.delete(members, s, axis=0).mean(axis=0) for s in range(4)])
        model = RankSeries(values=members.mean(axis=0), members=members, without=without)
        found = compare(model, fixed(np.zeros(300)))
        missed += not found.low < 0.03 < found.high
        missed_by_days += not found.whole.low < 0.03 < found.whole.high
    assert missed / 300 <= 0.07
    assert missed_by_days / 300 > 0.10  # which is why the seeds have to be in it


def test_many_pairs_are_allowed_for() -> None:
    rng = np.random.default_rng(5)
    base = compare(fixed(rng.normal(0.01, 0.05, 300)), fixed(np.zeros(300)))
    one = [replace(base, low=0.001, high=0.02, p_value=0.04, target=Target(h, 1)) for h in (1, 5)]
    assert [pair.verdict for pair in adjusted(one, confidence=0.95)] == [1, 1]
    null = replace(base, model="a:o", low=-0.01, high=0.02, p_value=0.5)
    worse = replace(base, model="a:p", low=-0.02, high=-0.01, p_value=0.0001)
    found = adjusted([*one, null, worse], confidence=0.95)
    # 0.04 among four with 0.0001 and 0.5: times 4 / 3
    assert [pair.independent for pair in found] == pytest.approx([0.16 / 3, 0.16 / 3, 0.5, 0.0004])
    assert found[0].dependent == pytest.approx(0.16 / 3 * (1 + 1 / 2 + 1 / 3 + 1 / 4))
    assert [pair.verdict for pair in found] == [0, 0, 0, -1]


def test_too_few_days_decide_nothing() -> None:
    found = adjusted([compare(fixed(np.full(3, 0.1)), fixed(np.zeros(3)))], confidence=0.95)[0]
    assert np.isnan([found.low, found.high, found.t, found.p_value, found.independent]).all()
    assert found.verdict == 0


def test_plain_data_and_back() -> None:
    rng = np.random.default_rng(6)
    for pair in (
        compare(random(rng, 3), fixed(rng.normal(size=300))),
        compare(fixed(np.full(3, 0.1)), fixed(np.zeros(3))),
    ):
        text = json.dumps(paired_to_json(pair), allow_nan=False)
        back = paired_from_json(json.loads(text))
        assert json.dumps(paired_to_json(back)) == text
        assert (back.target, back.split) == (pair.target, pair.split)
