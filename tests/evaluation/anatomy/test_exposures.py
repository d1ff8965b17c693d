"""Exposures: one pass over features in blocks, against a loop with scipy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.anatomy.exposures import measure_exposures
from gogooku3.labels.target import Target
from tests.evaluation.anatomy.markets import SETTINGS, grids, view

NAMES = ("alike", "opposite", "noise", "patchy", "constant", "absent")


def _panel():
    rng = np.random.default_rng(5)
    one, _ = grids(0)
    two, _ = grids(1)
    other = np.where(np.isfinite(one), rng.normal(size=one.shape), np.nan)  # the names of one
    features = rng.normal(size=(*one.shape, len(NAMES)))
    features[..., 0] += 2 * np.nan_to_num(one)
    features[..., 1] -= 9 * np.nan_to_num(one)
    features[..., 2] = np.round(features[..., 2], 1)
    features[rng.random(one.shape) < 0.3, 3] = np.nan
    features[..., 4] = 1.0
    features[..., 5] = np.nan
    scores = {("a", Target(5, 1)): one, ("b", Target(1, 1)): two, ("c", Target(1, 1)): other}
    return scores, features.astype(np.float32)


def _blocks(features, edges=(0, 7, 8, 30)):
    return [(slice(a, b), features[a:b]) for a, b in pairwise(edges)]


def _measure(scores, blocks, universe):
    return measure_exposures(scores, blocks, features=NAMES, universe=universe, settings=SETTINGS)


def test_equals_a_loop():
    scores, features = _panel()
    universe = view().universe
    found = _measure(scores, _blocks(features), universe)
    assert list(found) == list(scores)
    for key, score in scores.items():
        by_name = {exposure.feature: exposure.correlation for exposure in found[key]}
        assert set(by_name) == set(NAMES)
        for index, name in enumerate(NAMES):
            values = []
            for day in range(len(score)):
                x, y = score[day], features[day, :, index]
                both = universe[day] & np.isfinite(x) & np.isfinite(y)
                if both.sum() >= SETTINGS.min_names and np.ptp(y[both]) > 0:
                    values.append(stats.spearmanr(x[both], y[both]).statistic)
            assert by_name[name].days == len(values)
            if values:
                assert by_name[name].mean == pytest.approx(np.mean(values), abs=1e-12)
                assert by_name[name].sd == pytest.approx(np.std(values, ddof=1), abs=1e-12)


def test_strongest_first_and_what_has_no_value_last():
    scores, features = _panel()
    found = _measure(scores, _blocks(features), view().universe)[("a", Target(5, 1))]
    assert [exposure.feature for exposure in found[:2]] == ["opposite", "alike"]
    assert [exposure.feature for exposure in found[-2:]] == ["constant", "absent"]
    assert found[0].correlation.mean < -0.9


def test_neither_blocks_nor_storage_matter():
    scores, features = _panel()
    features = features.astype(np.float16)
    universe = view().universe
    expected = _measure(scores, [(slice(0, 30), features.astype(np.float32))], universe)
    assert repr(_measure(scores, _blocks(features)[::-1], universe)) == repr(expected)


def test_scores_of_any_precision_keep_their_order():
    scores, features = _panel()
    universe = view().universe
    close = {key: 1.0 + 1e-9 * grid for key, grid in scores.items()}
    assert repr(_measure(close, _blocks(features), universe)) == repr(
        _measure(scores, _blocks(features), universe)
    )


def test_faults_are_named():
    scores, features = _panel()
    universe = view().universe
    with pytest.raises(EvaluationError, match="given before"):
        _measure(scores, _blocks(features) + _blocks(features)[:1], universe)
    with pytest.raises(EvaluationError, match="features are not aligned"):
        _measure(scores, [(slice(0, 30), features[..., 1:])], universe)
    with pytest.raises(EvaluationError, match="model a, target h5_d1"):
        _measure({("a", Target(5, 1)): scores["a", Target(5, 1)][1:]}, _blocks(features), universe)
