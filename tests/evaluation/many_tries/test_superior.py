"""Superior predictive ability: arch against Hansen's definition in numpy, and without arch."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from scipy import stats

from gogooku3.errors import EvaluationError, SettingsError
from gogooku3.evaluation.bootstrap import _draws
from gogooku3.evaluation.many_tries.superior import _scaled, resampled_deviation, superior_ability
from gogooku3.evaluation.significance import ewc_test


def _by_definition(difference: np.ndarray, block: int, samples: int) -> dict[str, float]:
    """Hansen (2005), section 2, on deviations of variance 1 around normal scores of the cosine test's t."""
    days = len(difference)
    tests = [ewc_test(column) for column in difference.T]
    score = np.array([stats.norm.ppf(stats.t.cdf(test.t, test.freedom)) for test in tests])
    mean = _draws(days, block, samples, 99) @ difference / days - difference.mean(axis=0)
    deviation = mean / mean.std(axis=0)
    surely_worse = score < -math.sqrt(2 * math.log(math.log(days)))
    drift = {
        "lower": np.minimum(score, 0),
        "consistent": np.where(surely_worse, score, 0),
        "upper": np.zeros(len(score)),
    }
    return {name: float(((deviation + g).max(axis=1) > score.max()).mean()) for name, g in drift.items()}


def test_deviation_of_resampled_means():
    series = _overlapping(np.random.default_rng(0), 3, 240, 10)
    series -= series.mean(axis=0)
    resampled = _draws(240, 20, 20_000, 5) @ series / 240
    simulated = math.sqrt(240) * resampled.std(axis=0)
    np.testing.assert_allclose(resampled_deviation(series, 20), simulated, rtol=0.02)


def test_size_with_overlapping_labels():
    # What arch does with the scaled differences, in numpy for speed; test_as_by_definition shows that it is the same.
    rng, markets, days = np.random.default_rng(6), 600, 240
    rejected = {"scaled": 0, "studentized": 0}
    for _ in range(markets):
        difference = _overlapping(rng, 4, days, 10)
        tests = [ewc_test(column, horizon=10) for column in difference.T]
        errors = np.array([test.standard_error for test in tests])
        series = {"scaled": _scaled(difference, tests, 20), "studentized": difference / errors}
        for name, values in series.items():
            mean = values.mean(axis=0)
            resampled = _draws(days, 20, 400, 0) @ values / days - mean
            rejected[name] += np.mean(resampled.max(axis=1) > mean.max()) < 0.05
    assert 0.02 < rejected["scaled"] / markets < 0.085  # binomial sd .009 at .05
    assert rejected["studentized"] / markets > 0.11


def _overlapping(rng: np.random.Generator, models: int, days: int, horizon: int) -> np.ndarray:
    steps = np.cumsum(rng.normal(size=(days + horizon, models)), axis=0)
    return steps[horizon:] - steps[:-horizon]


@pytest.mark.parametrize(("edge", "seed"), [(0.0, 0), (0.12, 1), (0.2, 2)])
def test_as_by_definition(edge, seed):
    pytest.importorskip("arch")
    rng = np.random.default_rng(seed)
    scale = np.array([1.0, 5.0, 0.2, 1.0, 1.0])  # studentizing is what makes them comparable
    models = rng.normal(size=(400, 5)) * scale
    models[:, 2] += edge * 0.2
    models[:, 3] -= 0.6  # surely worse
    benchmark = 0.1 * rng.normal(size=400)
    found = superior_ability(models, benchmark, samples=2000)
    expected = _by_definition(models - benchmark[:, None], found.block, 4000)
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, abs=0.035)  # Monte Carlo deviation at most .014
    assert found.lower <= found.consistent <= found.upper
    t = [ewc_test(column).t for column in (models - benchmark[:, None]).T]
    assert (found.best, found.t) == (int(np.argmax(t)), pytest.approx(max(t)))
    assert (found.models, found.days, found.block) == (5, 400, 8)
    if edge >= 0.2:
        assert found.consistent < 0.05


def test_same_seed_same_values_and_missing_days():
    pytest.importorskip("arch")
    rng = np.random.default_rng(3)
    models, benchmark = rng.normal(size=(300, 3)), np.zeros(300)
    holes = np.insert(models, [7, 70], np.nan, axis=0)
    with_holes = superior_ability(holes, np.zeros(302), samples=200)
    plain = superior_ability(models, benchmark, samples=200)
    assert (with_holes.days, with_holes.days_left_out) == (300, 2)
    assert (with_holes.consistent, with_holes.upper) == (plain.consistent, plain.upper)
    assert superior_ability(models, benchmark, horizon=20, samples=200).block == 40


def test_without_arch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "arch", None)
    monkeypatch.setitem(sys.modules, "arch.bootstrap", None)
    with pytest.raises(SettingsError, match=r"arch, which is not installed[\s\S]*gogooku3\[evidence\]"):
        superior_ability(np.zeros((50, 2)), np.zeros(50))


def test_impossible_comparisons_are_refused():
    pytest.importorskip("arch")
    rng = np.random.default_rng(4)
    models, benchmark = rng.normal(size=(300, 3)), rng.normal(size=300)
    with pytest.raises(EvaluationError, match="not aligned"):
        superior_ability(models, benchmark[:-1])
    with pytest.raises(EvaluationError, match="too few days"):
        superior_ability(models[:150], benchmark[:150], horizon=20)
    with pytest.raises(EvaluationError, match=r"cannot be told[\s\S]*model 1"):
        superior_ability(np.column_stack([models[:, 0], benchmark]), benchmark)
    models[3, 0] = np.inf
    with pytest.raises(EvaluationError, match="infinite"):
        superior_ability(models, benchmark)
