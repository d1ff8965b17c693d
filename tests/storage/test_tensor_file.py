from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from gogooku3.errors import StorageError
from gogooku3.storage.tensor_file import HEADER_LIMIT, TensorEntry, tensor_entries

TYPES = {
    "F32": "f4",
    "F64": "f8",
    "F16": "f2",
    "I64": "i8",
    "I8": "i1",
    "U16": "u2",
    "BOOL": "?",
    "C64": "c8",
}


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda name: name != "__metadata__"),
        st.tuples(st.sampled_from(sorted(TYPES)), st.lists(st.integers(0, 4), max_size=3)),
        max_size=6,
    )
)
def test_it_reads_what_the_library_writes(wanted: dict[str, tuple[str, list[int]]]) -> None:
    data = save({name: np.zeros(shape, dtype=TYPES[dtype]) for name, (dtype, shape) in wanted.items()})
    found = tensor_entries(data, "here")
    assert found == {name: TensorEntry(dtype=d, shape=tuple(shape)) for name, (d, shape) in wanted.items()}


def _file(header: object, values: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def _entry(shape: list[int], begin: int, end: int, dtype: str = "U8") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


GOOD = _file({"a": _entry([2], 0, 2), "b": _entry([1], 2, 3)}, b"abc")


def test_the_good_file_is_read() -> None:
    assert list(tensor_entries(GOOD, "here")) == ["a", "b"] == sorted(load(GOOD))


def test_notes_are_let_be() -> None:
    assert tensor_entries(save({"a": np.ones(1)}, metadata={"about": "x"}), "here") == {
        "a": TensorEntry(dtype="F64", shape=(1,))
    }


BAD = {
    "nothing": (b"", "0 bytes"),
    "a length alone": (b"\x02" + b"\0" * 7, "8 bytes"),
    "text": (b"some text that is longer", "that are none"),
    "a pickle": (pickle.dumps({"a": 1}), "a pickle"),
    "a header longer than the file": (_file(b'{"a": 1}')[:-1], "at least 16"),
    "a header above the limit": ((HEADER_LIMIT + 1).to_bytes(8, "little") + b"{" * 100, "at most 4,194,304"),
    "a header of half the memory": ((2**63).to_bytes(8, "little") + b"{}", "at most"),
    "a header that is no JSON": (_file(b"{nothing}"), "no JSON"),
    "a header that is no UTF-8": (_file(b'{"\xff": 1}'), "no JSON"),
    "a deep header": (_file(b'{"a":' + b"[" * 200_000), "no JSON"),
    "a doubled name": (_file(b'{"a": {}, "a": {}}'), "twice"),
    "a list": (_file(b'["a"]').replace(b'["a"]', b'{"a"]'), "no JSON"),
    "notes that are no text": (_file({"__metadata__": {"code": 1}}), "another form"),
    "notes of another form": (_file({"__metadata__": ["code"]}), "another form"),
    "an entry of another form": (_file({"a": 5}), "tensor 'a'"),
    "an entry with more": (_file({"a": _entry([1], 0, 1) | {"code": 1}}, b"a"), "tensor 'a'"),
    "an entry with less": (_file({"a": {"dtype": "U8", "shape": [1]}}, b"a"), "tensor 'a'"),
    "an unknown type": (_file({"a": _entry([1], 0, 1, "OBJECT")}, b"a"), "tensor 'a'"),
    "a type that is a list": (_file({"a": {**_entry([1], 0, 1), "dtype": ["U8"]}}, b"a"), "tensor 'a'"),
    "too few bytes for a shape": (_file({"a": _entry([2], 0, 1)}, b"a"), "tensor 'a'"),
    "a negative length": (_file({"a": _entry([-1, -1], 0, 1)}, b"a"), "tensor 'a'"),
    "a length that is a fraction": (_file({"a": _entry([1.0], 0, 1)}, b"a"), "tensor 'a'"),
    "a length that is true": (_file({"a": _entry([True], 0, 1)}, b"a"), "tensor 'a'"),
    "three offsets": (_file({"a": {**_entry([1], 0, 1), "data_offsets": [0, 1, 2]}}, b"a"), "tensor 'a'"),
    "a gap": (_file({"a": _entry([1], 0, 1), "b": _entry([1], 2, 3)}, b"abc"), "gap or an overlap at byte 1"),
    "an overlap": (_file({"a": _entry([2], 0, 2), "b": _entry([2], 1, 3)}, b"abc"), "gap or an overlap at byte 2"),
    "bytes that no tensor names": (GOOD + b"x", "4 bytes of tensors"),
    "bytes that are missing": (GOOD[:-1], "2 bytes of tensors"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused_by_name(name: str) -> None:
    data, said = BAD[name]
    with pytest.raises(StorageError, match=said) as caught:
        tensor_entries(data, "/somewhere/file")
    assert "/somewhere/file" in str(caught.value)
