from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gogooku3.labels.ranks import rank_targets

NAN = float("nan")


def oracle(labels: list[float]) -> list[float]:
    """Average ranks by counting, one name against all others."""
    real = [x for x in labels if x == x]
    ranks = []
    for x in labels:
        below, equal = sum(y < x for y in real), sum(y == x for y in real)
        ranks.append((below + (equal + 1) / 2 - 0.5) / len(real) - 0.5 if x == x else NAN)
    return ranks


def test_by_hand() -> None:
    values = np.array([[0.1, NAN, 0.3, 0.1, 9.0]])[:, :, None]
    universe = np.array([[True, True, True, True, False]])
    got = rank_targets(values, universe)[0, :, 0]
    # ranks 1.5, -, 3, 1.5 of n = 3
    np.testing.assert_allclose(got, [1 / 3 - 0.5, NAN, 2.5 / 3 - 0.5, 1 / 3 - 0.5, NAN], rtol=1e-6)
    assert got.dtype == np.float32


def test_one_name_stands_in_the_middle_and_an_empty_day_is_null() -> None:
    values = np.array([[[0.2], [NAN]], [[0.1], [0.2]]])
    universe = np.array([[True, True], [False, False]])
    np.testing.assert_array_equal(rank_targets(values, universe)[..., 0], [[0.0, NAN], [NAN, NAN]])


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_agrees_with_counting(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=3, max_dims=3, max_side=12))
    elements = st.sampled_from([NAN, -0.5, -0.0, 0.0, 0.1, 0.2, 1e-9]) | st.floats(-1, 1)
    values = data.draw(hnp.arrays(np.float64, shape, elements=elements))
    universe = data.draw(hnp.arrays(np.bool_, shape[:2]))
    got = rank_targets(values, universe)
    assert np.nanmax(np.abs(got), initial=0) < 0.5
    for day in range(shape[0]):
        for k in range(shape[2]):
            labels = np.where(universe[day], values[day, :, k], NAN)
            np.testing.assert_allclose(got[day, :, k], oracle(labels.tolist()), rtol=0, atol=1e-6)
