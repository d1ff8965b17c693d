from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogooku3.errors import SplitError
from gogooku3.splits.fold import Fold
from tests.splits.oracle import span


def fold(**changes: object) -> Fold:
    parts: dict[str, object] = {
        "name": "2020",
        "train": np.arange(0, 10),
        "validation": np.arange(12, 20),
        "test": np.arange(22, 30),
        "reach": 2,
    }
    return Fold(**{**parts, **changes})  # type: ignore[arg-type]


def test_a_sound_fold_is_built_and_cannot_be_written_to() -> None:
    mine = np.arange(0, 10)
    built = fold(train=mine)
    mine[-1] = 25
    assert built.train[-1] == 9
    assert built.train.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        built.test[0] = 5
    with pytest.raises(FrozenInstanceError):
        built.train = np.arange(20)  # type: ignore[misc]


@pytest.mark.parametrize(
    "changes",
    [
        {"train": np.arange(0, 11)},  # its label ends on the first validation session
        {"validation": np.arange(12, 21)},
        {"validation": np.arange(0), "train": np.arange(0, 21)},
        {"train": np.array([0, 25])},
        {"train": np.array([0, 31])},  # inside the label of the last test session
        {"train": np.array([0, 33]), "embargo": 2},
        {"reach": 3},
    ],
)
def test_an_overlap_cannot_be_built(changes: dict[str, object]) -> None:
    with pytest.raises(SplitError, match="spans touch"):
        fold(**changes)
    with pytest.raises(SplitError, match="spans touch"):
        replace(fold(), **changes)  # type: ignore[arg-type]


def test_training_may_go_on_after_the_embargo() -> None:
    assert fold(train=np.array([0, 34]), embargo=2).train[-1] == 34


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_empty_part_is_refused(part: str) -> None:
    with pytest.raises(SplitError, match=f"no {part} session"):
        fold(**{part: np.arange(0)})


@pytest.mark.parametrize(
    "train",
    [
        np.array([3, 2]),
        np.array([1, 1]),
        np.array([-1, 2]),
        np.array([[1]]),
        np.array([float("nan")]),
        np.array([0.5]),
        np.array([True]),
    ],
)
def test_what_is_no_list_of_sessions_is_refused(train: np.ndarray) -> None:
    with pytest.raises(SplitError, match="not a list of session indices"):
        fold(train=train)


@pytest.mark.parametrize("changes", [{"reach": 0}, {"embargo": -1}])
def test_impossible_spans_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SplitError, match="impossible"):
        fold(**changes)


rows = st.sets(st.integers(0, 40), min_size=1, max_size=6).map(lambda s: np.array(sorted(s), dtype=np.int64))


@given(train=rows, validation=rows, test=rows, reach=st.integers(1, 6))
def test_built_if_and_only_if_disjoint(
    train: np.ndarray, validation: np.ndarray, test: np.ndarray, reach: int
) -> None:
    spans = [span(part, reach) for part in (train, validation, test)]
    disjoint = all(spans[i].isdisjoint(spans[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    try:
        fold(train=train, validation=validation, test=test, reach=reach)
    except SplitError:
        assert not disjoint
    else:
        assert disjoint
