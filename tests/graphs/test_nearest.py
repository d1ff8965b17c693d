"""The nearest stocks are those of a plain sort."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.graphs.nearest import nearest


def plain(similarity: np.ndarray, k: int, threshold: float) -> list[list[int]]:
    rows = []
    for i, row in enumerate(similarity):
        near = [(-value, j) for j, value in enumerate(row) if j != i and value > threshold]
        rows.append([j for _, j in sorted(near)[:k]])
    return rows


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 40),
    st.integers(1, 50),
    st.sampled_from([0.0, 0.2, 0.99]),
    st.booleans(),
)
def test_equals_a_plain_sort(seed: int, stocks: int, k: int, threshold: float, tied: bool) -> None:
    rng = np.random.default_rng(seed)
    similarity = rng.uniform(-1, 1, (stocks, stocks)).astype(np.float32)
    if tied:
        similarity = np.round(similarity * 4) / 4
    similarity[rng.random(similarity.shape) < 0.2] = np.nan
    index, value = nearest(similarity, k, threshold)
    assert index.shape == value.shape == (stocks, k)
    for i, expected in enumerate(plain(similarity, k, threshold)):
        assert index[i][index[i] >= 0].tolist() == expected
        assert (index[i, len(expected) :] == -1).all()
        np.testing.assert_array_equal(value[i, : len(expected)], similarity[i, expected])
        assert (value[i, len(expected) :] == 0).all()


def test_many_rows_are_taken_in_parts() -> None:
    rng = np.random.default_rng(0)
    similarity = np.round(rng.uniform(-1, 1, (600, 600)), 2).astype(np.float32)
    index, _ = nearest(similarity, 7, 0.5)
    assert [[j for j in row if j >= 0] for row in index.tolist()] == plain(similarity, 7, 0.5)


def test_the_threshold_has_to_be_exceeded() -> None:
    similarity = np.array([[1, 0.5, 0.25], [0.5, 1, 0.125], [0.25, 0.125, 1]], dtype=np.float32)
    index, value = nearest(similarity, 2, 0.25)
    assert index.tolist() == [[1, -1], [0, -1], [-1, -1]]
    assert value.tolist() == [[0.5, 0], [0.5, 0], [0, 0]]
