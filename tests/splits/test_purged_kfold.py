from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import SplitError
from gogooku3.splits.purged_kfold import PurgedKFold
from tests.splits.oracle import as_list, clear, span


def test_by_hand() -> None:
    first, middle, last = PurgedKFold(k=3, reach=2, embargo=1).folds(np.ones(15, dtype=np.bool_))
    assert as_list(first.test) == [0, 1, 2, 3, 4]
    assert as_list(first.train) == [8, 9, 10, 11, 12, 13, 14]  # labels end at 6, the embargo at 7
    assert as_list(middle.train) == [0, 1, 2, 13, 14]
    assert as_list(last.train) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert middle.name == "2 of 3"


@settings(max_examples=100, deadline=None)
@given(
    usable=st.lists(st.booleans(), min_size=10, max_size=80).map(np.array),
    k=st.integers(2, 6),
    reach=st.integers(1, 8),
    embargo=st.integers(0, 8),
)
def test_nothing_overlaps_and_nothing_is_dropped_needlessly(
    usable: np.ndarray, k: int, reach: int, embargo: int
) -> None:
    rows = np.flatnonzero(usable)
    try:
        folds = PurgedKFold(k=k, reach=reach, embargo=embargo).folds(usable)
    except SplitError:
        blocks = np.array_split(rows, k)
        left = [clear(set(as_list(rows)) - set(as_list(block)), block, reach, embargo) for block in blocks]
        assert rows.size < k or any(len(kept) == 0 for kept in left)
        return
    assert as_list(np.concatenate([fold.test for fold in folds])) == as_list(rows)
    for fold in folds:
        others = [int(t) for t in rows if t not in fold.test]
        assert as_list(fold.train) == clear(others, fold.test, reach, embargo)
        assert span(fold.train, reach).isdisjoint(span(fold.test, reach))


def test_impossible_folds_are_refused() -> None:
    with pytest.raises(SplitError, match="too few folds"):
        PurgedKFold(k=1, reach=2)
    with pytest.raises(SplitError, match="fewer sessions than folds"):
        PurgedKFold(k=5, reach=2).folds(np.ones(4, dtype=np.bool_))
    with pytest.raises(SplitError, match="no train session"):
        PurgedKFold(k=2, reach=20).folds(np.ones(10, dtype=np.bool_))
