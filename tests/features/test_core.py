"""The core set reads its declared past and nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gogooku3.errors import SettingsError
from gogooku3.features.compute import compute
from gogooku3.features.core import core
from gogooku3.features.fields import BASE_FIELDS, Fields, base_fields
from gogooku3.features.registry import Feature, FeatureSet
from tests.conftest import random_market


@pytest.fixture(scope="module")
def setting():
    market = random_market(np.random.default_rng(11), sessions=560, stocks=12)
    member = market.present & (np.random.default_rng(1).random(market.present.shape) < 0.9)
    return core(), base_fields(market, member), market


def test_there_are_at_least_a_hundred(setting):
    features, _, _ = setting
    assert len(features.exported) >= 100
    assert len(set(features.exported)) == len(features.exported)


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


def test_the_scale_of_prices_is_never_seen():
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
    features = core()
    one = compute(features, base_fields(market, market.present), 280, 300)
    two = compute(features, base_fields(other, other.present), 280, 300)
    np.testing.assert_allclose(one, two, rtol=2e-4, atol=2e-4)


def test_known_values(setting):
    features, fields, market = setting
    x = compute(features, fields, 500, 560)
    column = {name: i for i, name in enumerate(features.exported)}
    adjusted = market.close * market.factor
    t, n = 540, 0
    closes = adjusted[:, n]
    present = np.isfinite(closes)
    last = closes[present & (np.arange(560) <= t)]
    if present[t]:
        np.testing.assert_allclose(x[t - 500, n, column["ret_1"]], np.log(last[-1] / last[-2]), rtol=1e-5)
    logs = np.full(560, np.nan)
    logs[present] = np.concatenate([[np.nan], np.diff(np.log(closes[present]))])
    np.testing.assert_allclose(
        x[t - 500, n, column["vol_20"]], np.nanstd(logs[t - 19 : t + 1], ddof=1), rtol=1e-5
    )
    np.testing.assert_allclose(
        x[t - 500, n, column["season_year_5"]], np.nansum(logs[t - 249 : t - 244]), rtol=1e-4, atol=1e-7
    )
    np.testing.assert_allclose(
        x[t - 500, n, column["mom_60_5"]], np.nansum(logs[t - 59 : t - 4]), rtol=1e-4, atol=1e-7
    )


def _feature(name: str, inputs: tuple[str, ...]) -> Feature:
    return Feature(name=name, family="x", inputs=inputs, window=1, function=lambda x: x, meaning="")


@pytest.mark.parametrize(
    ("features", "what"),
    [
        ([_feature("a", ("turnover",)), _feature("a", ("turnover",))], "defined twice"),
        ([_feature("a", ("nothing",))], "unknown"),
        ([_feature("a", ("b",)), _feature("b", ("a",))], "circle"),
    ],
)
def test_a_set_that_cannot_be_built_is_refused(features, what):
    with pytest.raises(SettingsError, match=what):
        FeatureSet(features, BASE_FIELDS)
