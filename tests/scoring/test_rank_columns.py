from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gogooku3.scoring.rank_kernel import rank_among, rank_columns
from tests.models.drawn_rows import placed

VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf]),  # ties, gaps and ends
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(0, 12), st.integers(0, 4)).flatmap(lambda s: arrays(np.float32, s, elements=VALUES))
)
def test_ranks_are_scipys(x: np.ndarray) -> None:
    found = rank_columns(x)
    assert found.dtype == np.float32
    assert found.shape == x.shape
    for column in range(x.shape[1]):
        expected = placed(x[:, column].astype(np.float64)).astype(np.float32)
        np.testing.assert_array_equal(found[:, column], expected)


def test_by_hand() -> None:
    x = np.array([[3.0], [1.0], [np.nan], [1.0], [2.0]], dtype=np.float32)
    assert rank_columns(x)[:, 0].tolist()[:2] == [0.375, -0.25]
    assert np.isnan(rank_columns(x)[2, 0])


def test_a_large_day_is_scipys_too() -> None:
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(2000, 30)), 2).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    expected = np.stack([placed(column.astype(np.float64)) for column in x.T], axis=1)
    np.testing.assert_array_equal(rank_columns(x), expected.astype(np.float32))


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(0, 12), st.integers(0, 3)).flatmap(
        lambda s: st.tuples(
            arrays(np.float32, s, elements=VALUES), arrays(np.bool_, s[0], elements=st.booleans())
        )
    )
)
def test_others_are_placed_among_the_members(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    x, member = drawn
    found = rank_among(x, member)
    np.testing.assert_array_equal(found[member], rank_columns(x[member]))
    for f in range(x.shape[1]):
        own = x[member, f][~np.isnan(x[member, f])]
        for r in range(len(x)):
            if np.isnan(x[r, f]) or not own.size:
                assert np.isnan(found[r, f])
            else:
                below, at = (own < x[r, f]).sum(), (own == x[r, f]).sum()
                assert found[r, f] == np.float32(0.5 * (2 * below + at) / own.size - 0.5)
