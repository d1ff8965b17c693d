"""Null and constant features are named and refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gogooku3.errors import PanelError
from gogooku3.panel.quality import FeatureQuality

NAMES = ("good", "null", "constant", "patchy", "infinite")


def quality() -> FeatureQuality:
    values = np.full((4, 3, 5), np.nan, dtype=np.float32)
    values[..., 0] = np.arange(12).reshape(4, 3)
    values[..., 2] = 7
    values[1, 1, 3] = values[3, 0, 3] = -1
    values[..., 4] = values[..., 0]
    values[2, 2, 4] = np.inf
    result = FeatureQuality(NAMES)
    result.add(values[:1])
    result.add(np.empty((2, 0, 5), dtype=np.float32))
    result.add(values[1:])
    return result


def test_counts() -> None:
    result = quality()
    assert result.values == 12
    assert result.finite.tolist() == [12, 0, 12, 2, 11]
    np.testing.assert_equal(result.minimum, np.array([0, np.nan, 7, -1, 0], dtype=np.float32))
    np.testing.assert_equal(result.maximum, np.array([11, np.nan, 7, -1, np.inf], dtype=np.float32))


def test_faulty_features_are_named() -> None:
    with pytest.raises(PanelError) as error:
        quality().refuse()
    for text in (
        "null is null everywhere",
        "constant is constant (7)",
        "patchy is constant (-1)",
        "infinite has",
    ):
        assert text in str(error.value)
    assert "good" not in str(error.value)


def test_allowed_by_name_but_never_infinite() -> None:
    with pytest.raises(PanelError, match="infinite has infinite values") as error:
        quality().refuse({"null", "constant", "patchy", "infinite"})
    assert "constant is" not in str(error.value)
    part = FeatureQuality(("a", "b"))
    part.add(np.zeros((2, 3, 2), dtype=np.float32))
    assert part.refuse(["a", "b"]) == {"a": "is constant (0)", "b": "is constant (0)"}
    with pytest.raises(PanelError, match="does not exist"):
        part.refuse(["a", "b", "c"])


def test_nothing_seen_is_null() -> None:
    with pytest.raises(PanelError, match="a is null everywhere"):
        FeatureQuality(["a"]).refuse()


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=4),
        elements=st.sampled_from([np.nan, 0.0, 1.0, 2.0]).map(np.float32),
    )
)
def test_equals_an_oracle(values: np.ndarray) -> None:
    names = [f"f{n}" for n in range(values.shape[2])]
    result = FeatureQuality(names)
    for day in values:
        result.add(day[None])
    for n, name in enumerate(names):
        known = {float(value) for value in values[..., n].ravel() if value == value}
        assert (name in result.faults) == (len(known) < 2)
