"""Probabilistic and deflated Sharpe ratios: the papers' own examples, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.many_tries.deflated_sharpe import deflated_sharpe, expected_maximum
from gogooku3.evaluation.many_tries.probabilistic_sharpe import minimum_track_record, probabilistic_sharpe
from gogooku3.evaluation.many_tries.sharpe_ratio import SharpeRatio, sharpe_ratio, unit_variance
from gogooku3.evaluation.many_tries.trial_set import trial_set

NAN = float("nan")


def _measured(ratio: float, days: int, skewness: float = 0.0, kurtosis: float = 3.0) -> SharpeRatio:
    return SharpeRatio(
        ratio=ratio,
        skewness=skewness,
        kurtosis=kurtosis,
        days=days,
        variance=unit_variance(ratio, skewness=skewness, kurtosis=kurtosis),
        long_run_variance=2.0,
        freedom=10.0,
    )


# Bailey and López de Prado (2012), section 4: a fund with 24 monthly returns, Sharpe ratio .458.
@pytest.mark.parametrize(("skewness", "kurtosis", "published"), [(0.0, 3.0, 0.982), (-2.448, 10.164, 0.913)])
def test_probabilistic_sharpe_of_the_paper(skewness, kurtosis, published):
    found = probabilistic_sharpe(_measured(0.458, 24, skewness, kurtosis))
    assert found == pytest.approx(published, abs=6e-4)


# The same, section 6: years until an annual Sharpe ratio of 2 is above 1 with 95 %, by frequency.
@pytest.mark.parametrize(("per_year", "published"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_minimum_track_record_of_the_paper(per_year, published):
    root = math.sqrt(per_year)
    sessions = minimum_track_record(_measured(2 / root, 100), benchmark=1 / root)
    assert sessions / per_year == pytest.approx(published, abs=5e-3)


# Bailey and López de Prado (2014), "A numerical example": annual ratio 2.5 in 1,250 days of 250 a year.
@pytest.mark.parametrize(
    ("trials", "skewness", "kurtosis", "published"),
    [(100, -3.0, 10.0, 0.9004), (46, -3.0, 10.0, 0.9505), (88, 0.0, 3.0, 0.9505)],
)
def test_deflated_sharpe_of_the_paper(trials, skewness, kurtosis, published):
    threshold = expected_maximum(float(trials), 0.5 / 250)
    if trials == 100:
        assert threshold == pytest.approx(0.1132, abs=5e-5)
    chosen = _measured(2.5 / math.sqrt(250), 1250, skewness, kurtosis)
    assert probabilistic_sharpe(chosen, benchmark=threshold) == pytest.approx(published, abs=6e-5)


def test_the_minimum_track_record_is_where_the_probability_reaches_the_confidence():
    for serial in (False, True):
        sharpe = _measured(0.1, 500, -0.5, 6.0)
        length = minimum_track_record(sharpe, benchmark=0.02, serial=serial)
        variance = sharpe.long_run_variance if serial else sharpe.variance
        score = (0.1 - 0.02) * math.sqrt(length - 1) / math.sqrt(variance)
        assert stats.norm.cdf(score) == pytest.approx(0.95)
    assert minimum_track_record(_measured(0.1, 500), benchmark=0.1) == math.inf
    with pytest.raises(EvaluationError, match="confidence"):
        minimum_track_record(_measured(0.1, 500), confidence=0.5)


@pytest.mark.parametrize("trials", [5, 20, 200])
def test_expected_maximum_is_that_of_normal_draws(trials):
    draws = np.random.default_rng(0).normal(0, 2.0, (20_000, trials)).max(axis=1).mean()
    assert expected_maximum(float(trials), 4.0) == pytest.approx(draws, rel=0.03)


def test_expected_maximum_of_one_trial_is_nothing():
    assert expected_maximum(1.0, 4.0) == 0.0
    assert expected_maximum(1.1, 4.0) == 0.0
    with pytest.raises(EvaluationError, match="undefined"):
        expected_maximum(0.5, 1.0)


def test_moments_by_hand():
    returns = np.array([0.01, 0.03, NAN, -0.02, 0.00, 0.05, -0.01])
    kept = returns[np.isfinite(returns)]
    found = sharpe_ratio(returns)
    assert found.days == 6
    assert found.ratio == pytest.approx(kept.mean() / kept.std(ddof=1))
    assert found.skewness == pytest.approx(stats.skew(kept))
    assert found.kurtosis == pytest.approx(stats.kurtosis(kept, fisher=False))
    by_hand = 1 - found.skewness * found.ratio + (found.kurtosis - 1) / 4 * found.ratio**2
    assert found.variance == pytest.approx(by_hand)
    assert probabilistic_sharpe(found) == pytest.approx(
        stats.norm.cdf(found.ratio * math.sqrt(5) / math.sqrt(by_hand))
    )
    assert probabilistic_sharpe(found, serial=True) == pytest.approx(
        stats.t.cdf(found.ratio * math.sqrt(5) / math.sqrt(found.long_run_variance), found.freedom)
    )


@pytest.mark.parametrize("returns", [np.zeros(0), np.full(20, 0.01), np.array([1.0, 2.0, np.inf, 3, 4, 5])])
def test_series_without_a_ratio_are_refused(returns):
    with pytest.raises(EvaluationError, match="cannot be measured"):
        sharpe_ratio(returns)


def test_impossible_moments_are_refused():
    with pytest.raises(EvaluationError, match="impossible"):
        unit_variance(0.1, skewness=2.0, kurtosis=3.0)


def _autoregression(rng: np.random.Generator, phi: float, paths: int, days: int) -> np.ndarray:
    from scipy.signal import lfilter

    noise = rng.normal(size=(paths, days + 200))
    return lfilter([1.0], [1.0, -phi], noise, axis=1)[:, 200:]


def test_both_variances_are_those_of_independent_returns_and_only_one_of_autocorrelated_ones():
    rng = np.random.default_rng(1)
    days, mean = 1000, 0.15
    skewed = mean + rng.exponential(1.0, (1500, days)) - 1.0  # ratio .15, skewness 2, kurtosis 9
    measured = [sharpe_ratio(path) for path in skewed]
    actual = np.var([one.ratio for one in measured]) * days
    assert actual == pytest.approx(1 - 2 * mean + 2 * mean**2, rel=0.12)  # standard error 4 %
    assert np.mean([one.variance for one in measured]) == pytest.approx(actual, rel=0.15)
    assert np.mean([one.long_run_variance for one in measured]) == pytest.approx(actual, rel=0.15)
    serial = [sharpe_ratio(path) for path in _autoregression(rng, 0.5, 600, days)]
    actual = np.var([one.ratio for one in serial]) * days
    assert actual == pytest.approx(3.0, rel=0.2)  # (1 + .5) / (1 - .5)
    assert np.mean([one.long_run_variance for one in serial]) == pytest.approx(actual, rel=0.2)
    assert np.mean([one.variance for one in serial]) == pytest.approx(1.0, rel=0.02)


def test_size_with_autocorrelated_returns():
    paths = _autoregression(np.random.default_rng(2), 0.5, 1000, 500)
    measured = [sharpe_ratio(path) for path in paths]
    naive = np.mean([probabilistic_sharpe(one) > 0.95 for one in measured])
    serial = np.mean([probabilistic_sharpe(one, serial=True) > 0.95 for one in measured])
    assert naive > 0.12
    assert 0.03 < serial < 0.075  # binomial sd .007


def test_trials_by_hand():
    rng = np.random.default_rng(3)
    series = rng.normal(0.02, 1.0, (250, 4)) + rng.normal(0, 0.7, (250, 1))
    series[7, 2] = NAN
    stretched = np.column_stack([series, np.full(250, NAN), np.full(250, 0.0)])
    found = trial_set(stretched, without_series=3)
    kept = np.delete(series, 7, axis=0)
    matrix = np.corrcoef(kept.T)
    mean = matrix[np.triu_indices(4, 1)].mean()
    assert (found.trials, found.with_series, found.days, found.days_left_out) == (9, 4, 249, 1)
    assert found.correlation == pytest.approx(mean)
    assert found.effective == pytest.approx(mean + (1 - mean) * 9)
    ratios = kept.mean(axis=0) / kept.std(axis=0, ddof=1)
    assert found.variance == pytest.approx(ratios.var(ddof=1))


def test_copies_are_one_trial_and_independent_ones_are_many():
    rng = np.random.default_rng(4)
    same = np.repeat(rng.normal(size=(500, 1)), 30, axis=1)
    assert trial_set(same).effective == pytest.approx(1.0)
    assert trial_set(rng.normal(size=(500, 30))).effective == pytest.approx(30, abs=0.5)


def test_deflation_of_the_luckiest_of_many_useless_trials():
    rng = np.random.default_rng(5)
    plain, deflated, serial = [], [], []
    for _ in range(150):
        series = rng.normal(size=(250, 20))
        best = int((series.mean(axis=0) / series.std(axis=0)).argmax())
        found = deflated_sharpe(series, best)
        plain.append(probabilistic_sharpe(found.sharpe) > 0.95)
        deflated.append(found.probability > 0.95)
        serial.append(found.serial_probability > 0.95)
    assert np.mean(plain) > 0.5  # 1 - .95^20 = .64
    assert np.mean(deflated) < 0.05
    assert np.mean(serial) < 0.05


def test_failed_trials_count_and_a_single_one_is_not_deflated():
    rng = np.random.default_rng(6)
    series = rng.normal(0.1, 1.0, (300, 5))
    assert deflated_sharpe(series, 0, without_series=50).probability < deflated_sharpe(series, 0).probability
    alone = deflated_sharpe(series[:, :1], 0)
    assert alone.threshold == 0.0
    assert alone.probability == probabilistic_sharpe(alone.sharpe)
    with pytest.raises(EvaluationError, match="spread"):
        deflated_sharpe(series[:, :1], 0, without_series=1)
    with pytest.raises(EvaluationError, match="no such trial"):
        deflated_sharpe(series, 5)


@pytest.mark.parametrize(
    ("series", "what"),
    [
        (np.zeros((5, 0)), "no trials"),
        (np.array([[np.inf, 1.0]] * 9), "infinite"),
        (np.array([[1.0, NAN], [NAN, 2.0]] * 9) * np.arange(18)[:, None], "too few days"),
    ],
)
def test_trials_that_cannot_be_compared_are_refused(series, what):
    with pytest.raises(EvaluationError, match=what):
        trial_set(series)
