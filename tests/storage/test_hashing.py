"""Digests by which files and settings are named."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import numpy as np
import pytest

from gogooku3.errors import StorageError
from gogooku3.storage import digest_file, digest_json


def test_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert digest_file(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    with pytest.raises(StorageError, match="cannot be read"):
        digest_file(tmp_path / "absent")


def test_key_order_does_not_matter_but_list_order_does() -> None:
    assert digest_json({"a": 1, "b": [1, 2]}) == digest_json({"b": [1, 2], "a": 1})
    assert digest_json([1, 2]) != digest_json([2, 1])


def test_paths_and_dates_count_as_text() -> None:
    assert digest_json([Path("a/b"), dt.date(2020, 1, 6)]) == digest_json(["a/b", "2020-01-06"])


@pytest.mark.parametrize("value", [{1, 2}, object(), np.arange(3), float("nan")])
def test_what_has_no_canonical_text_is_refused(value: object) -> None:
    with pytest.raises(StorageError, match="no canonical digest"):
        digest_json({"x": value})
