"""Tries of an evaluation, figure by figure against the functions that measure one."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.many_tries import count_tries as module
from gogooku3.evaluation.many_tries.count_tries import NEEDS_ARCH, count_tries
from gogooku3.evaluation.many_tries.deflated_sharpe import deflated_sharpe
from gogooku3.evaluation.many_tries.overfitting import overfitting
from gogooku3.evaluation.many_tries.probabilistic_sharpe import minimum_track_record
from gogooku3.evaluation.many_tries.sharpe_ratio import sharpe_ratio
from gogooku3.evaluation.many_tries.superior import superior_ability
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.labels.target import Target
from tests.evaluation.synthetic import planted

TARGETS = (Target(1, 1), Target(5, 0), Target(5, 1))


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """Two contestants at three targets, and attainable scores that would win everything."""
    inputs = planted()
    inputs["scores"]["attainable"] = planted(strengths={"best": 30.0})["scores"]["best"]
    for grid in inputs["scores"]["attainable"].values():
        grid[~inputs["universe"]] = np.nan
    return evaluate(**inputs, settings=EvaluationSettings(bootstrap_samples=200))


@pytest.fixture
def no_arch(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)


def _nets(evaluation: Evaluation, lag: int) -> np.ndarray:
    pairs = [(target, model) for target in TARGETS if target.lag == lag for model in ("ridge", "lightgbm")]
    return np.stack([evaluation.find(model, target).portfolio.net for target, model in pairs], axis=1)


def test_every_figure_is_that_of_its_own_function(evaluation, no_arch):
    found = count_tries(evaluation)
    assert [(one.target, one.model) for one in found.tries] == [
        (target, model) for target in TARGETS for model in ("ridge", "lightgbm")
    ]
    late = [one for one in found.tries if one.target.lag == 1]
    nets = _nets(evaluation, 1)
    for column, one in enumerate(late):
        whole = evaluation.find(one.model, one.target).whole
        assert one.p_value == pytest.approx(2 * stats.t.sf(abs(whole.rank_ic.t), whole.rank_ic.freedom))
        deflated = deflated_sharpe(nets, column)
        assert one.deflated == pytest.approx(deflated.serial_probability)
        assert one.sharpe_daily == pytest.approx(whole.portfolio.sharpe_daily)
        sharpe = sharpe_ratio(nets[:, column])
        assert one.track_record == minimum_track_record(sharpe, serial=True)
        assert one.days == np.isfinite(nets[:, column]).sum()
        assert one.deflated < one.probabilistic
        assert (found.trials, found.effective_trials) == (4, pytest.approx(deflated.trials.effective))
    early = [one for one in found.tries if one.target.lag == 0]
    assert early[0].deflated == pytest.approx(deflated_sharpe(_nets(evaluation, 0), 0).serial_probability)
    assert found.overfitting == overfitting(nets).probability
    assert found.lag == 1


def test_all_tests_are_adjusted_together(evaluation, no_arch):
    found = count_tries(evaluation)
    p = [one.p_value for one in found.tries]
    np.testing.assert_allclose([one.independent for one in found.tries], stats.false_discovery_control(p))
    np.testing.assert_allclose(
        [one.dependent for one in found.tries], stats.false_discovery_control(p, method="by")
    )
    alone = count_tries(dataclasses.replace(evaluation, results=evaluation.results[:1]))
    assert alone.tries[0].independent == alone.tries[0].p_value < found.tries[0].dependent


def test_tries_made_elsewhere_count(evaluation, no_arch):
    found, more = count_tries(evaluation), count_tries(evaluation, elsewhere=96)
    assert (found.trials, more.trials) == (4, 100)
    assert all(b.deflated < a.deflated for a, b in zip(found.tries, more.tries, strict=True))
    assert all(b.probabilistic == a.probabilistic for a, b in zip(found.tries, more.tries, strict=True))
    expected = deflated_sharpe(_nets(evaluation, 1), 0, without_series=96)
    assert more.tries[0].deflated == pytest.approx(expected.serial_probability)
    with pytest.raises(EvaluationError, match="cannot be counted"):
        count_tries(evaluation, elsewhere=-1)
    with pytest.raises(EvaluationError, match="cannot be halved"):
        count_tries(evaluation, blocks=5)


def test_without_arch_one_sentence_says_so(evaluation, no_arch):
    found = count_tries(evaluation)
    assert found.superiority == ()
    assert found.unseen == (NEEDS_ARCH,)


def test_superiority_is_that_of_the_others_over_the_first(evaluation):
    pytest.importorskip("arch")
    found = count_tries(evaluation)
    assert [one.target for one in found.superiority] == list(TARGETS)
    for one in found.superiority:
        models = [evaluation.find(name, one.target).rank_ic.values for name in ("lightgbm", "ridge")]
        expected = superior_ability(models[0][:, None], models[1], horizon=one.target.horizon, samples=200)
        assert (one.p_value, one.best, one.benchmark, one.models) == (
            expected.consistent,
            "lightgbm",
            "ridge",
            1,
        )
        assert one.p_value < 0.05  # it sees six times as much
    assert found.unseen == ()


def test_no_portfolio_leaves_the_tests_of_the_rank_ic(no_arch):
    inputs = planted(targets=(Target(1, 1),))
    inputs["link"][:] = np.nan
    found = count_tries(evaluate(**inputs, settings=EvaluationSettings(bootstrap_samples=100)))
    assert all(one.p_value < 0.05 for one in found.tries if one.model == "lightgbm")
    for one in found.tries:
        assert all(math.isnan(value) for value in (one.sharpe_daily, one.deflated, one.track_record))
    assert math.isnan(found.overfitting)
    assert found.unseen == ("At lag 1 no portfolio has a return.", NEEDS_ARCH)


def test_a_single_try_was_not_chosen(no_arch):
    inputs = planted(targets=(Target(1, 1),), strengths={"lightgbm": 3.0})
    found = count_tries(evaluate(**inputs, settings=EvaluationSettings(bootstrap_samples=100)))
    (one,) = found.tries
    assert one.deflated == one.probabilistic
    assert one.independent == one.dependent == one.p_value
    assert (found.trials, found.effective_trials) == (1, 1.0)
    assert math.isnan(found.overfitting)
    assert found.unseen == ()


def test_too_few_days_are_said(evaluation, no_arch):
    inputs = planted(targets=(Target(1, 1),), days=30)
    found = count_tries(evaluate(**inputs, settings=EvaluationSettings(bootstrap_samples=100)))
    assert math.isnan(found.overfitting)
    assert found.unseen[0].startswith("The probability of backtest overfitting is unknown: ")
