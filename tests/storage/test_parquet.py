"""A Parquet file is whole or not at all, and what a disk refuses is told as that."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from gogooku3.errors import StorageError
from gogooku3.storage.parquet import write_parquet


def test_round_trip(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
    for compression in ("zstd", "uncompressed"):
        write_parquet(frame, tmp_path / "a.parquet", compression=compression)
        assert pl.read_parquet(tmp_path / "a.parquet").equals(frame)
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_what_polars_says_of_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"a": [1]})
    write_parquet(frame, path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("underlying IO error: No space left on device (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        write_parquet(frame, path)
    assert caught.value.where == str(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]
