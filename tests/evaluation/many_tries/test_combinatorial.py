"""Combinatorial purged folds: counts, no touch, paths, and the structure of another library."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import EvaluationError, SplitError
from gogooku3.evaluation.many_tries.combinatorial import CombinatorialPurged
from gogooku3.evaluation.many_tries.path_distribution import path_distribution


def test_six_blocks_two_tested_as_in_the_book():
    # López de Prado (2018), section 12.4: N = 6, k = 2 gives 15 splits and 5 paths.
    folds = CombinatorialPurged(groups=6, tested=2, reach=3)
    assert (len(folds.splits), folds.paths) == (15, 5)
    assert folds.splits[0] == (0, 1)
    # His figure: path 1 takes G1 and G2 from S1, G3 from S2, G4 from S3, G5 from S4, G6 from S5 (counted from 1).
    assert folds.path_splits[0].tolist() == [0, 0, 1, 2, 3, 4]
    assert folds.path_splits.shape == (5, 6)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_training_keeps_exactly_what_touches_no_tested_span(data):
    groups = data.draw(st.integers(2, 6))
    tested = data.draw(st.integers(1, groups - 1))
    reach, embargo = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3))
    usable = np.array(data.draw(st.lists(st.booleans(), min_size=60, max_size=90)), dtype=bool)
    usable[::3] = True
    plan = CombinatorialPurged(groups=groups, tested=tested, reach=reach, embargo=embargo)
    rows = np.flatnonzero(usable)
    blocks = np.array_split(rows, groups)
    kept = [_clear(rows, blocks, chosen, reach, embargo) for chosen in combinations(range(groups), tested)]
    if not all(kept):
        with pytest.raises(SplitError, match="no train session"):
            plan.folds(usable)
        return
    folds = plan.folds(usable)
    assert len(folds) == len(plan.splits)
    for fold, chosen, train in zip(folds, combinations(range(groups), tested), kept, strict=True):
        assert fold.test.tolist() == np.concatenate([blocks[g] for g in chosen]).tolist()
        assert fold.train.tolist() == train
        assert fold.validation.size == 0
        assert fold.name == f"{' and '.join(str(g + 1) for g in chosen)} of {groups}"


def _clear(rows, blocks, chosen, reach, embargo):
    """Rows whose span touches that of no tested row, one by one."""
    test = np.concatenate([blocks[g] for g in chosen])
    return [t for t in rows if ((t + reach < test) | (t > test + reach + embargo)).all()]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 7), st.data())
def test_every_path_has_every_block_once_and_uses_every_test_once(groups, data):
    tested = data.draw(st.integers(1, groups - 1))
    plan = CombinatorialPurged(groups=groups, tested=tested, reach=1)
    seen = set()
    for splits in plan.path_splits:
        for block, split in enumerate(splits):
            assert block in plan.splits[split]
            seen.add((int(split), block))
    assert len(seen) == plan.paths * groups == len(plan.splits) * tested


@pytest.mark.parametrize(("groups", "tested", "reach", "embargo"), [(6, 2, 5, 0), (5, 3, 2, 4), (8, 2, 1, 1)])
def test_structure_is_that_of_skfolio(groups, tested, reach, embargo):
    selection = pytest.importorskip("skfolio.model_selection")
    days = 40 * groups
    other = selection.CombinatorialPurgedCV(
        n_folds=groups, n_test_folds=tested, purged_size=reach, embargo_size=embargo
    )
    plan = CombinatorialPurged(groups=groups, tested=tested, reach=reach, embargo=embargo)
    folds = plan.folds(np.ones(days, dtype=bool))
    splits = list(other.split(np.zeros((days, 1))))
    assert len(folds) == len(splits) == other.n_splits
    assert plan.paths == other.n_test_paths
    np.testing.assert_array_equal(plan.path_splits, other.recombined_paths.T)
    for fold, (train, test) in zip(folds, splits, strict=True):
        np.testing.assert_array_equal(fold.test, np.concatenate(test))
        np.testing.assert_array_equal(fold.train, train)
    ids = other.get_path_ids()
    for split, blocks in enumerate(plan.splits):
        for position, block in enumerate(blocks):
            assert plan.path_splits[ids[split, position], block] == split


def test_path_distribution_is_that_of_skfolio():
    selection = pytest.importorskip("skfolio.model_selection")
    optimization = pytest.importorskip("skfolio.optimization")
    rng = np.random.default_rng(8)
    days, scale = (
        240,
        np.exp(np.cumsum(rng.normal(0, 0.1, (240, 4)), axis=0)),
    )  # so that training periods differ
    returns = 0.0004 + 0.01 * scale * rng.normal(size=(days, 4))
    other = selection.CombinatorialPurgedCV(n_folds=6, n_test_folds=2, purged_size=5, embargo_size=3)
    theirs = selection.cross_val_predict(optimization.InverseVolatility(), returns, cv=other)
    plan = CombinatorialPurged(groups=6, tested=2, reach=5, embargo=3)
    usable = np.ones(days, dtype=bool)
    series = np.full((len(plan.splits), days), np.nan)
    for split, fold in enumerate(plan.folds(usable)):
        weight = 1 / np.sqrt(np.var(returns[fold.train], axis=0, ddof=1))
        series[split, fold.test] = returns[fold.test] @ (weight / weight.sum())
    paths = plan.recombine(series, usable)
    ours = path_distribution(paths)
    assert ours.means.shape == (plan.paths,) == (len(theirs),)
    assert len(np.unique(ours.ratios)) == plan.paths
    for path, portfolio in enumerate(theirs):
        np.testing.assert_allclose(paths[path], portfolio.returns, rtol=1e-10)
        assert ours.means[path] == pytest.approx(portfolio.mean)
        assert ours.ratios[path] == pytest.approx(portfolio.sharpe_ratio)


def test_paths_take_each_value_from_the_split_that_tested_it():
    plan = CombinatorialPurged(groups=4, tested=2, reach=1)
    usable = np.ones(22, dtype=bool)
    usable[5] = False
    group = plan.group_of(usable)
    assert group[5] == -1
    series = np.arange(6.0)[:, None] * 100 + np.arange(22.0)
    paths = plan.recombine(series, usable)
    assert paths.shape == (3, 22)
    assert np.isnan(paths[:, 5]).all()
    for day in np.flatnonzero(usable):
        supplied = [s for s, blocks in enumerate(plan.splits) if group[day] in blocks]
        assert paths[:, day].tolist() == [100.0 * s + day for s in supplied]
    with pytest.raises(EvaluationError, match="do not match"):
        plan.recombine(series[:5], usable)


def test_distribution_by_hand():
    paths = np.array([[0.1, 0.3, np.nan, 0.2], [-0.2, 0.1, 0.0, -0.1]])
    found = path_distribution(paths)
    assert found.means.tolist() == pytest.approx([0.2, -0.05])
    assert found.ratios.tolist() == pytest.approx([2.0, -0.05 / np.std([-0.2, 0.1, 0.0, -0.1], ddof=1)])
    assert found.days.tolist() == [3, 4]
    assert found.share_negative == 0.5
    means, ratios = found.quantiles((0.0, 0.5, 1.0))
    assert means.tolist() == pytest.approx([-0.05, 0.075, 0.2])
    assert ratios[2] == pytest.approx(2.0)
    with pytest.raises(EvaluationError, match="no series"):
        path_distribution(np.array([[0.1, np.nan], [0.1, 0.2]]))
    with pytest.raises(EvaluationError, match="does not vary"):
        path_distribution(np.full((2, 4), 0.1))


@pytest.mark.parametrize(("groups", "tested"), [(4, 0), (4, 4), (20, 10)])
def test_impossible_combinations_are_refused(groups, tested):
    with pytest.raises(SplitError, match="cannot be combined"):
        CombinatorialPurged(groups=groups, tested=tested, reach=1)


def test_fewer_sessions_than_blocks_are_refused():
    with pytest.raises(SplitError, match="fewer sessions"):
        CombinatorialPurged(groups=6, tested=2, reach=1).folds(np.ones(5, dtype=bool))
