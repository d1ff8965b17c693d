"""The core set: its size, some values by hand, and sets that cannot be built."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.errors import SettingsError
from gogooku3.features.compute import compute
from gogooku3.features.core import core
from gogooku3.features.fields import BASE_FIELDS, base_fields
from gogooku3.features.registry import Feature, FeatureSet
from tests.conftest import random_market


def test_there_are_at_least_a_hundred():
    features = core()
    assert len(features.exported) >= 100
    assert len(set(features.exported)) == len(features.exported)


def test_known_values():
    market = random_market(np.random.default_rng(11), sessions=560, stocks=12)
    features = core()
    x = compute(features, base_fields(market, market.present), 500, 560)
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
