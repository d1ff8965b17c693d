"""The whole anatomy, and as plain data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.anatomy.anatomy_to_dict import anatomy_to_dict
from gogooku3.evaluation.anatomy.dissect import dissect
from gogooku3.evaluation.anatomy.ordered_grid import ordered
from gogooku3.evaluation.anatomy.settings import AnatomySettings
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.labels.target import Target
from tests.evaluation.anatomy.markets import SETTINGS, grids, view

PARTS = AnatomySettings(size_buckets=3, decay_horizons=(1, 5, 9), persistence_sessions=(1, 5, 50))


def _label_of(horizon):
    return grids(100 + horizon)[1]


def _dissect(score, label, **changes):
    given = {
        "view": view(),
        "label_of": _label_of,
        "settings": SETTINGS.model_copy(update={"anatomy": PARTS}),
    }
    return dissect("ridge", Target(5, 1), score, label, **{**given, **changes})


def test_parts_agree_with_the_daily_measures():
    score, label = grids()
    found = _dissect(score, label)
    kept = np.where(view().universe, score, np.nan)
    assert [point.horizon for point in found.decay] == [1, 5, 9]
    for point in found.decay:
        other = label if point.horizon == 5 else _label_of(point.horizon)
        expected = daily_rank_ic(kept, other, min_names=SETTINGS.min_names).values
        assert point.rank_ic.mean == pytest.approx(np.nanmean(expected), abs=1e-12)
    for point in found.persistence[:2]:
        lag = point.sessions
        expected = daily_rank_ic(kept[lag:], kept[:-lag], min_names=SETTINGS.min_names).values
        assert point.correlation == pytest.approx(np.nanmean(expected), abs=1e-12)
        assert point.days == np.isfinite(expected).sum()
    assert np.isnan(found.persistence[2].correlation)
    assert found.persistence[2].days == 0
    assert found.groups_too_small == ("tiny",)
    assert [group.kind for group in found.groups] == ["sector"] * 2 + ["size"] * 3
    assert found.neutral is not None


def test_a_score_that_does_not_move_persists():
    label = grids()[1]
    still = np.repeat(np.random.default_rng(0).normal(size=(1, 70)), 30, axis=0)
    found = _dissect(still, label)
    assert [point.correlation for point in found.persistence[:2]] == pytest.approx([1.0, 1.0])


def test_labels_can_be_given_in_order():
    score, label = grids()
    in_order = _dissect(score, label, label_of=lambda horizon: ordered(_label_of(horizon)))
    assert repr(in_order) == repr(_dissect(score, label))


def test_plain_data_has_no_nan_and_names_the_target():
    score, label = grids()
    plain = anatomy_to_dict(_dissect(score, label))
    text = json.dumps(plain, allow_nan=False)
    again = json.loads(text)
    assert (again["model"], again["target"], again["horizon"], again["lag"]) == ("ridge", "h5_d1", 5, 1)
    assert again["persistence"][2]["correlation"] is None
    assert again["groups"][0]["group"] == "banks"
    assert len(again["groups"][0]["decile_means"]) == SETTINGS.quantiles
    assert again["groups_too_small"] == ["tiny"]


def test_other_shapes_are_refused():
    score, label = grids()
    with pytest.raises(EvaluationError, match="model ridge, target h5_d1"):
        _dissect(score[:-1], label)


@pytest.mark.parametrize("field", ["decay_horizons", "persistence_sessions"])
@pytest.mark.parametrize("values", [(2, 1), (1, 1), (0, 1)])
def test_distances_rise(field, values):
    with pytest.raises(ValidationError):
        AnatomySettings(**{field: values})
