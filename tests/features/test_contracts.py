"""What every feature set keeps: it reads its declared past and nothing else, and never a scale of prices."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gogooku3.features.alpha158 import alpha158
from gogooku3.features.compute import FeatureStream, compute
from gogooku3.features.core import core
from gogooku3.features.fields import Fields, base_fields
from tests.conftest import random_market

SETS = {"core": core, "alpha158": alpha158}


@pytest.fixture(scope="module", params=SETS)
def features(request):
    return SETS[request.param]()


@pytest.fixture(scope="module")
def setting(features):
    market = random_market(np.random.default_rng(11), sessions=560, stocks=12)
    member = market.present & (np.random.default_rng(1).random(market.present.shape) < 0.9)
    return features, base_fields(market, member), market


def test_no_feature_is_infinite_and_all_exist_somewhere(setting):
    features, fields, market = setting
    values = compute(features, fields, 500, 560)[market.present[500:560]]
    assert not np.isinf(values).any()
    missing = [n for i, n in enumerate(features.exported) if np.isnan(values[:, i]).mean() > 0.5]
    assert missing == []
    constant = [n for i, n in enumerate(features.exported) if np.nanstd(values[:, i]) == 0]
    assert constant == []


def test_a_block_does_not_depend_on_its_neighbours(setting):
    features, fields, _ = setting
    whole = compute(features, fields, 480, 530)
    parts = np.concatenate([compute(features, fields, 480, 481), compute(features, fields, 481, 530)])
    np.testing.assert_array_equal(whole, parts)


def test_a_stream_of_blocks_is_the_whole(setting):
    features, fields, _ = setting
    stream = FeatureStream(features, fields)
    blocks = [stream.block(start, stop) for start, stop in ((470, 500), (500, 501), (501, 530))]
    np.testing.assert_array_equal(compute(features, fields, 470, 530), np.concatenate(blocks))


def _changed(fields: Fields, rows: slice, sign: float = 1.0) -> Fields:
    rng = np.random.default_rng(2)
    grids = {}
    for name, grid in fields.grids.items():
        copy = grid.copy()
        if grid.dtype == bool:
            copy[rows] = ~copy[rows]
        elif grid.ndim == 2:
            drawn = np.abs(rng.normal(1.0, 0.5, copy[rows].shape))
            copy[rows] = (
                drawn**20 if name == "turnover" else sign * drawn
            )  # turnover: wide enough to reorder means
        grids[name] = copy
    return Fields(grids)


def test_the_future_changes_nothing(setting):
    features, fields, _ = setting
    before = compute(features, fields, 500, 520)
    after = compute(features, _changed(fields, slice(520, None)), 500, 520)
    np.testing.assert_array_equal(before, after)


# Paths and extremes: the first session of their window shows only by being there, or by holding the extreme.
BLIND_AT_THE_EDGE = ("ma_gap_", "high_gap_", "low_gap_", "high_age_", "position_", "turnover_below_max_")


def test_each_lookback_is_honest_and_tight(setting):
    """A change one session before the declared lookback is not seen; one at its edge is."""
    features, fields, _ = setting
    t = 550
    before = compute(features, fields, t, t + 1)[0]
    unseen = set(features.exported)
    for lookback in sorted({features.lookback(name) for name in features.exported}):
        outside = compute(features, _changed(fields, slice(0, t - lookback)), t, t + 1)[0]
        edges = [
            compute(features, _changed(fields, slice(0, t - lookback + 1), sign), t, t + 1)[0]
            for sign in (1.0, -1.0)
        ]
        for i, name in enumerate(features.exported):
            if features.lookback(name) == lookback:
                np.testing.assert_array_equal(outside[:, i], before[:, i], err_msg=name)
                if any(not np.array_equal(edge[:, i], before[:, i], equal_nan=True) for edge in edges):
                    unseen.discard(name)
    assert [name for name in sorted(unseen) if not name.startswith(BLIND_AT_THE_EDGE)] == []


def test_history_may_start_anywhere(setting):
    features, fields, _ = setting
    longest = max(features.lookback(name) for name in features.exported)
    cut = 500 - longest
    later = Fields({k: g[cut:] if g.ndim == 2 else g for k, g in fields.grids.items()})
    np.testing.assert_array_equal(
        compute(features, fields, 500, 520), compute(features, later, 500 - cut, 520 - cut)
    )


def test_the_scale_of_prices_is_never_seen(features):
    market = random_market(np.random.default_rng(12), sessions=300, stocks=8)
    scale = np.array([0.01, 0.1, 1, 10, 100, 0.5, 2, 7.0])
    # a later split adjustment multiplies prices and divides share counts; the value traded stays
    other = dataclasses.replace(
        market,
        open=market.open * scale,
        high=market.high * scale,
        low=market.low * scale,
        close=market.close * scale,
        volume=market.volume / scale,
    )
    one = compute(features, base_fields(market, market.present), 280, 300)
    two = compute(features, base_fields(other, other.present), 280, 300)
    np.testing.assert_allclose(one, two, rtol=2e-4, atol=2e-4)
