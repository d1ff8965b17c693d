"""What is gathered beyond correlations agrees with the evaluation, and sees nothing that is kept back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gogooku3.evaluation.evidence import Evidence
from gogooku3.labels.target import Target
from gogooku3.market.assemble import assemble
from gogooku3.pipeline import evidence as gathering
from gogooku3.pipeline import tested as own
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.evidence import gather
from gogooku3.pipeline.panel_market import panel_market
from gogooku3.progress import Silent
from tests.pipeline.tiny import simulation_of, tiny_run


@pytest.fixture(scope="module")
def judged(made: Path) -> Judged:
    return Judged(tiny_run(made))


@pytest.fixture(scope="module")
def evidence(judged: Judged) -> Evidence:
    return judged.evidence


def test_every_contestant_at_every_target_is_taken_apart(judged: Judged, evidence: Evidence) -> None:
    keys = {(anatomy.model, anatomy.target) for anatomy in evidence.anatomies}
    assert keys == {(m, t) for m in ("ridge", "lightgbm") for t in judged.panel.targets}
    assert {(one.model, one.target) for one in evidence.tradings} == {key for key in keys if key[1].lag == 1}


def test_tries_and_drift_are_there(evidence: Evidence) -> None:
    assert evidence.tries is not None
    assert len(evidence.tries.tries) == len(evidence.anatomies)
    assert evidence.drift is not None
    assert {moved.kind for moved in evidence.drift.moved} == {"score", "feature"}


def test_decay_passes_through_the_evaluation(judged: Judged, evidence: Evidence) -> None:
    """At its own horizon it is the RankIC of the evaluation; at another target's, the panel's own labels give it."""
    for anatomy in evidence.anatomies:
        result = judged.tested.find(anatomy.model, anatomy.target)
        assert result is not None
        decay = {point.horizon: point.rank_ic for point in anatomy.decay}
        assert decay[anatomy.target.horizon].mean == pytest.approx(result.whole.rank_ic.mean, abs=1e-12)
        assert decay[anatomy.target.horizon].days == result.whole.rank_ic.days
    for grid_of, target in _labels(judged):
        np.testing.assert_array_equal(np.isnan(grid_of(target)), np.isnan(judged_label(judged, target)))
        np.testing.assert_allclose(grid_of(target), judged_label(judged, target), rtol=1e-6, atol=1e-7)


def _labels(judged: Judged):
    work = gathering._Work(own.tested_of(judged._period(locked=False), judged.tested))
    return [(work.label, target) for target in judged.panel.targets]


def judged_label(judged: Judged, target: Target) -> np.ndarray:
    return judged._period(locked=False).label(target)


def test_no_label_of_any_horizon_reaches_into_the_locked_year(judged: Judged) -> None:
    period = judged._period(locked=False)
    work = gathering._Work(own.tested_of(period, judged.tested))
    for horizon in (1, 7, 60):
        known = np.flatnonzero(np.isfinite(work.label(Target(horizon, 1))).any(axis=1))
        assert period.start + known[-1] + 1 + horizon == period.end - 1


def test_the_first_book_is_the_default_portfolio(judged: Judged, evidence: Evidence) -> None:
    for trading in evidence.tradings:
        result = judged.tested.find(trading.model, trading.target)
        assert result is not None
        np.testing.assert_allclose(trading.books[0].net, result.portfolio.net, atol=1e-12)


def test_what_is_kept_back_does_not_matter(judged: Judged, evidence: Evidence) -> None:
    """Other prices from the locked year on change nothing."""
    from dataclasses import replace

    period = judged._period(locked=False)
    tested = own.tested_of(period, judged.tested)
    market = tested.market
    assert market is not None
    late = np.arange(len(market.sessions))[:, None] >= period.end
    rng = np.random.default_rng(1)
    moved = {
        name: np.where(late, getattr(market, name) * rng.uniform(0.5, 2, late.shape), getattr(market, name))
        for name in ("open", "high", "low", "close", "volume", "turnover")
    }
    other = gather(replace(tested, market=replace(market, **moved), features=None), Silent())
    for one, two in zip(evidence.anatomies, other.anatomies, strict=True):
        assert repr(replace(one, exposures=())) == repr(two)
    for one, two in zip(evidence.tradings, other.tradings, strict=True):
        for left, right in zip(one.books, two.books, strict=True):
            np.testing.assert_array_equal(left.net, right.net)


def test_the_panel_gives_back_the_market(judged: Judged) -> None:
    settings = judged.run.settings
    market = panel_market(judged.panel, settings.market)
    assert market is not None
    whole, _ = assemble(simulation_of(settings).bars, settings.market)
    assert market.codes == whole.codes
    np.testing.assert_array_equal(market.sessions, whole.sessions)
    for name in ("open", "high", "low", "close", "volume", "turnover", "factor", "broken", "link", "sector"):
        np.testing.assert_array_equal(getattr(market, name), getattr(whole, name), err_msg=name)
    for name in ("stock", "last", "following", "terminal_return"):
        np.testing.assert_array_equal(getattr(market.ends, name), getattr(whole.ends, name), err_msg=name)


def test_features_are_read_as_they_are(judged: Judged) -> None:
    tested = own.tested_of(judged._period(locked=False), judged.tested)
    assert tested.features is not None
    names, blocks = tested.features
    assert tuple(names) == judged.panel.feature_names
    rows = 0
    for part, block in blocks():
        whole = judged.panel.read(tested.start + part.start, tested.start + part.stop)
        np.testing.assert_array_equal(block, whole)
        rows += part.stop - part.start
    assert rows == tested.stop - tested.start
