"""Truncated, flipped, foreign and forged files are refused by name."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import PanelError
from gogooku3.panel.open import open_panel
from gogooku3.panel.seal import _body_extent
from gogooku3.panel.segment_file import write_single
from gogooku3.storage import digest_json, write_json
from tests.panel.panels import AXES, STOCKS, random_segments, write_panel


@pytest.fixture
def single(tmp_path: Path) -> Path:
    path = tmp_path / "Y.arrow"
    write_single(path, random_segments()[0], AXES, stocks=STOCKS, lineage={})
    return path


def extent(path: Path) -> tuple[int, int]:
    return _body_extent(memoryview(path.read_bytes()), path)


def refuses(path: Path, named: Path | None = None) -> None:
    with pytest.raises(PanelError) as error:
        open_panel(path)
    assert str(named or path) in str(error.value)
    assert "precompute_arrow_cache.py" in str(error.value)


def test_truncation_anywhere(single: Path) -> None:
    raw = single.read_bytes()
    lengths = {*range(64), *range(len(raw) - 64, len(raw)), *range(64, len(raw), 23)}
    for length in lengths:
        single.write_bytes(raw[:length])
        refuses(single)


def test_truncated_segment_of_a_folder(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    path = sorted((folder / "segments").iterdir())[0]
    path.write_bytes(path.read_bytes()[:-1])
    refuses(folder, path)


def test_bytes_after_the_end(single: Path) -> None:
    single.write_bytes(single.read_bytes() + b"\0")
    refuses(single)


def test_flipped_bytes_outside_the_body(single: Path) -> None:
    raw = single.read_bytes()
    start, stop = extent(single)
    rng = np.random.default_rng(0)
    edges = {*range(32), *range(start - 32, start), *range(stop, stop + 32), *range(len(raw) - 32, len(raw))}
    for place in sorted(edges | set(range(32, start, 7)) | set(range(stop, len(raw), 7))):
        changed = bytearray(raw)
        changed[place] ^= 1 << int(rng.integers(8))
        single.write_bytes(changed)
        refuses(single)


def test_any_flipped_byte_of_the_body_is_found_by_verify(single: Path) -> None:
    raw = single.read_bytes()
    start, stop = extent(single)
    assert stop - start > 100
    for place in range(start, stop):
        changed = bytearray(raw)
        changed[place] ^= 0x10
        single.write_bytes(changed)
        panel = open_panel(single)
        with pytest.raises(PanelError, match=re.escape(str(single))):
            panel.verify()


def test_flipped_data_of_a_folder(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    path = sorted((folder / "segments").iterdir())[-1]
    raw = bytearray(path.read_bytes())
    raw[extent(path)[0] + 5] ^= 1
    path.write_bytes(raw)
    with pytest.raises(PanelError, match=path.name):
        open_panel(folder).verify()


def test_another_valid_segment_under_the_name(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    other = write_panel(tmp_path / "other", random_segments(seed=1))
    for mine, theirs in zip(
        *(json.loads((f / "manifest.json").read_text())["files"] for f in (folder, other)), strict=True
    ):
        assert mine["size"] == theirs["size"]
        (folder / mine["name"]).write_bytes((other / theirs["name"]).read_bytes())
    refuses(folder, folder / "manifest.json")


@pytest.mark.parametrize("content", [b"", b"Date,Code\n", b"PAR1" + b"\0" * 100 + b"PAR1", b"ARROW1" * 20])
def test_foreign_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.arrow"
    path.write_bytes(content)
    refuses(path)


def test_foreign_arrow_file(tmp_path: Path) -> None:
    path = tmp_path / "x.arrow"
    pl.DataFrame({"features": [1.0]}).write_ipc(path)
    refuses(path)


def test_absent(tmp_path: Path) -> None:
    refuses(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    refuses(tmp_path / "empty")


def test_other_format_version(single: Path) -> None:
    raw = single.read_bytes()
    single.write_bytes(raw.replace(b"gogooku3-segment-v2:", b"gogooku3-segment-v3:"))
    with pytest.raises(PanelError, match=r"another format version[\s\S]*got: 3[\s\S]*expected: 1 or 2"):
        open_panel(single)


def forge(folder: Path, **change: object) -> None:
    """Rewrite a manifest with a seal that fits."""
    path = folder / "manifest.json"
    body = json.loads(path.read_text()) | change
    body.pop("seal")
    write_json(path, body | {"seal": digest_json(body)})


def test_other_manifest_version(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    forge(folder, version=7)
    with pytest.raises(PanelError, match=r"another version[\s\S]*got: 7"):
        open_panel(folder)


def test_climbing_segment_name(tmp_path: Path, single: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    digest = hashlib.sha256(single.read_bytes()).hexdigest()
    outside = tmp_path / f"{digest[:16]}.arrow"
    single.rename(outside)
    entry = {"sha256": digest, "size": outside.stat().st_size}
    for name in (f"../{outside.name}", f"segments/../../{outside.name}", str(outside)):
        forge(folder, files=[entry | {"name": name}])
        refuses(folder, folder / "manifest.json")


def test_no_segments(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    content = json.loads((folder / "manifest.json").read_text())["content"]
    forge(folder, files=[], content=content | {"seals": []})
    with pytest.raises(PanelError, match="no rows"):
        open_panel(folder)


@pytest.mark.parametrize("key", ["axes", "stocks", "seals", "lineage"])
def test_manifest_without_a_part(tmp_path: Path, key: str) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    content = json.loads((folder / "manifest.json").read_text())["content"]
    content.pop(key)
    forge(folder, content=content)
    refuses(folder, folder / "manifest.json")
