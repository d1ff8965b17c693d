from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogooku3.models.baselines.rows import Rows


def rows_of(lengths: list[int]) -> Rows:
    count = sum(lengths)
    x = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    y = -np.arange(count, dtype=np.float32).reshape(count, 1)
    return Rows(x=x, y=y, bounds=np.array([0, *np.cumsum(lengths, dtype=np.int64)], dtype=np.int64))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.data())
def test_take_and_by_session_are_what_a_loop_says(lengths: list[int], data: st.DataObject) -> None:
    rows = rows_of(lengths)
    picked = sorted(data.draw(st.sets(st.integers(0, len(lengths) - 1))))
    part = rows.take(np.array(picked, dtype=np.int64))

    expected_x, expected_y = [], []
    for i in picked:
        for r in range(rows.bounds[i], rows.bounds[i + 1]):
            expected_x.append(rows.x[r].tolist())
            expected_y.append(rows.y[r].tolist())
    assert part.x.tolist() == expected_x
    assert part.y.tolist() == expected_y
    assert np.diff(part.bounds).tolist() == [lengths[i] for i in picked]
    assert part.sessions == len(picked)

    values = np.arange(len(rows.x), dtype=np.float64)
    grid = rows.by_session(values)
    assert grid.shape == (len(lengths), max(lengths))
    for i, n in enumerate(lengths):
        assert grid[i, :n].tolist() == values[rows.bounds[i] : rows.bounds[i + 1]].tolist()
        assert np.isnan(grid[i, n:]).all()


def test_a_taken_part_is_a_copy() -> None:
    rows = rows_of([2, 3])
    part = rows.take(np.array([1]))
    part.x[:] = -1
    assert rows.x.min() == 0


def test_joined_puts_later_sessions_behind() -> None:
    rows = rows_of([2, 0, 3, 1])
    both = rows.take(np.array([0, 1])).joined(rows.take(np.array([2, 3])))
    assert both.x.tolist() == rows.x.tolist()
    assert both.y.tolist() == rows.y.tolist()
    assert both.bounds.tolist() == rows.bounds.tolist()


@pytest.mark.parametrize("lengths", [[0], [0, 0]])
def test_sessions_without_rows_have_an_empty_grid(lengths: list[int]) -> None:
    assert rows_of(lengths).by_session(np.zeros(0)).shape == (len(lengths), 0)
