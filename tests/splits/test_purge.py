from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gogooku3.splits.purge import touches

indices = st.sets(st.integers(0, 60), max_size=20).map(lambda s: np.array(sorted(s), dtype=np.int64))


@given(rows=indices, block=indices, reach=st.integers(1, 25), embargo=st.integers(0, 10))
def test_agrees_with_sets_of_sessions(rows: np.ndarray, block: np.ndarray, reach: int, embargo: int) -> None:
    taken = {s for t in block for s in range(t, t + reach + 1)}
    barred = taken | {s for t in block for s in range(t, t + reach + embargo + 1)}
    expected = [not taken.isdisjoint(range(t, t + reach + 1)) or int(t) in barred for t in rows]
    assert touches(rows, block, reach=reach, embargo=embargo).tolist() == expected


def test_by_hand() -> None:
    rows, block = np.arange(12), np.array([5, 6])
    # label of row 2 ends at 4, of row 3 at 5; the block's spans end at 8, the embargo at 9
    assert np.flatnonzero(~touches(rows, block, reach=2, embargo=1)).tolist() == [0, 1, 2, 10, 11]
