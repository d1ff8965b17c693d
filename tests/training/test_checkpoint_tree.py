from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from gogooku3.errors import ModelError, StorageError
from gogooku3.training.checkpoint_tree import decode_state, encode_state
from tests.training.states import random_tensor, same, states


@settings(deadline=None, max_examples=150)
@given(states)
def test_any_state_comes_back_bit_for_bit(state: dict[object, object]) -> None:
    tree, tensors = encode_state(state)
    text = json.dumps(tree, allow_nan=False)
    assert same(decode_state(json.loads(text), tensors, "here"), state)
    assert not any(abs(n) > 2**53 for n in _integers(json.loads(text)))


def _integers(tree: object):
    if isinstance(tree, int):
        yield tree
    elif isinstance(tree, list | dict):
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from _integers(item)


def test_the_comparison_can_fail() -> None:
    assert not same({"a": 0.0}, {"a": -0.0})
    assert not same({"a": 1}, {"a": True})
    assert not same({"a": (1,)}, {"a": [1]})
    assert not same(torch.zeros(1), torch.zeros(1, dtype=torch.float64))
    assert not same(torch.tensor(0.0), torch.tensor(-0.0))
    assert not same({"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_tensors_are_named_by_their_path() -> None:
    tree, tensors = encode_state(
        {"optimizer": {"state": {0: {"step": torch.tensor(3.0)}}}, "list": [torch.ones(1)]}
    )
    assert list(tensors) == ["optimizer.state.0.step", "list.0"]
    assert tree["list"] == [{"$tensor": "list.0"}]


def test_tensors_are_copies() -> None:
    weight = torch.nn.Parameter(torch.zeros(3))
    _, tensors = encode_state({"weight": weight, "tied": weight})
    with torch.no_grad():
        weight += 1
    assert tensors["weight"].sum() == 0
    assert not tensors["weight"].requires_grad
    assert tensors["weight"].data_ptr() != tensors["tied"].data_ptr()


def test_views_that_conjugate_or_negate() -> None:
    value = random_tensor(3, torch.complex64, (4,), False).nan_to_num()
    _, tensors = encode_state({"conjugate": value.conj(), "imaginary": value.conj().imag})
    assert same(tensors["conjugate"], value.conj().resolve_conj())
    assert same(tensors["imaginary"], -value.imag)


def test_numbers_of_numpy_become_plain() -> None:
    tree, _ = encode_state({"rank_ic": np.float64(0.1), "epoch": np.int64(3), "small": np.float32(0.1)})
    assert tree == {"rank_ic": 0.1, "epoch": 3, "small": float(np.float32(0.1))}
    assert [type(value) for value in tree.values()] == [float, int, float]


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        b"bytes",
        1j,
        {1.5: 2},
        {True: 2},
        {None: 2},
        "\ud800",
        torch.zeros(2, dtype=torch.complex128),
        torch.zeros(2, 2).to_sparse(),
        torch.zeros(2, device="meta"),
        torch.zeros(2).to_mkldnn(),
        np.array(["text"]),
        np.array([object()]),
        lambda: None,
    ],
    ids=[f"case {number}" for number in range(15)],
)
def test_what_cannot_be_held_is_refused_by_its_path(value: object) -> None:
    with pytest.raises(ModelError, match=r"where: a\.0\b"):
        encode_state({"a": [value]})


@pytest.mark.parametrize(
    "tree",
    [
        {"a": {"$tensor": "other"}},
        {"a": {"$unknown": 1}},
        {"a": {"$int": 5}},
        {"a": {"$int": "0xzz"}},
        {"a": {"$float": "00"}},
        {"a": {"$dict": [[1]]}},
        {"a": {"$dict": 5}},
        {"a": {"$tuple": 5}},
        {"a": {"$tensor": ["x"]}},
        {"a": {"$tensor": "x", "$int": "0x1"}},
        {"a": [{"$tensor": "x"}, {"$tensor": "x"}]},
        {"a": 1},
        [],
        {"$tensor": "x"},
    ],
    ids=str,
)
def test_a_tree_that_does_not_fit_its_tensors_is_refused(tree: object) -> None:
    with pytest.raises(StorageError, match=r"(?s)state.*where: here"):
        decode_state(tree, {"x": torch.zeros(1)}, "here")
