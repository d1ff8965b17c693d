from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from gogooku3.storage.pickles import name_pickle


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value", [1, None, "text", [1, 2], {"a": (1, 2)}, OrderedDict(a=1), np.arange(3)], ids=str
)
def test_pickles_of_every_protocol(protocol: int, value: object) -> None:
    assert "pickle" in (name_pickle(pickle.dumps(value, protocol=protocol)) or "")


def test_archives_of_torch() -> None:
    stream = io.BytesIO()
    torch.save({"a": torch.ones(2)}, stream)
    assert "torch.save" in (name_pickle(stream.getvalue()) or "")
    stream = io.BytesIO()
    torch.save({"a": torch.ones(2)}, stream, _use_new_zipfile_serialization=False)
    assert "a pickle" in (name_pickle(stream.getvalue()) or "")


def test_what_is_no_pickle_is_not_called_one() -> None:
    for length in range(2, 700):
        assert name_pickle(save({"x" * length: np.ones(1)})) is None
    assert name_pickle(json.dumps({"a": [1, 2.5, None]}).encode()) is None
    assert name_pickle(b"# A model card.\n") is None
    assert name_pickle(b"") is None
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("manifest.json", "{}")
    assert name_pickle(stream.getvalue()) is None


def test_strange_escapes_are_no_warning() -> None:
    assert name_pickle(b"S'\\\xbe'\n" + b"\xff") is None


@given(st.binary(max_size=200))
def test_it_never_fails(data: bytes) -> None:
    assert isinstance(name_pickle(data), str | None)
    assert isinstance(name_pickle(pickle.dumps({"a": data})[: len(data)]), str | None)
