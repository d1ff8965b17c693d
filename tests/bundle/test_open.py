"""Nothing is used of a bundle that is damaged or forged, and the file is named with what is wrong."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from gogooku3.bundle.archive import LARGEST, MOST, zip_chunks
from gogooku3.bundle.open import open_bundle
from gogooku3.bundle.pack import pack
from gogooku3.errors import StorageError
from tests.bundle.made import about, forged, members, parts_of


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "good.zip"
    pack(path, about(), members())
    return path


def _refusal(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"a bundle is refused|a file of tensors is damaged") as caught:
        open_bundle(path)
    text = str(caught.value)
    assert str(path) in text
    assert "remedy: " in text
    return text


def test_every_truncated_prefix_is_refused(good: Path, tmp_path: Path) -> None:
    data = good.read_bytes()
    cuts = {*range(80), *range(0, len(data), 7), *range(len(data) - 60, len(data))}
    for cut in sorted(cuts):
        _refusal(data[:cut], tmp_path / "cut.zip")


def test_every_flipped_bit_is_refused(good: Path, tmp_path: Path) -> None:
    """Also in fields that readers of archives pass over, such as dates and rights."""
    data = good.read_bytes()
    rng = random.Random(8)
    end = data.rindex(b"PK\x05\x06")
    directory = data.index(b"PK\x01\x02")
    places = {
        *range(60),
        *range(directory, directory + 120),
        *range(end, len(data)),
        *rng.sample(range(len(data)), 600),
    }
    for place in sorted(places):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        _refusal(bytes(changed), tmp_path / "flipped.zip")


def test_bytes_before_after_and_between_are_refused(good: Path, tmp_path: Path) -> None:
    data = good.read_bytes()
    for changed in (b"x" + data, data + b"x", data + data, data.replace(b"PK\x01\x02", b"xPK\x01\x02", 1)):
        _refusal(changed, tmp_path / "more.zip")


def test_the_good_one_is_opened_again(good: Path) -> None:
    assert forged(parts_of(good)) == good.read_bytes()
    assert open_bundle(good).models == ("ridge", "lightgbm")


class _Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_pickles_are_named_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    for protocol in range(6):
        assert "a pickle" in _refusal(pickle.dumps(_Runs(trap), protocol=protocol), tmp_path / "p.zip")
    stream = io.BytesIO()
    torch.save({"a": torch.ones(2)}, stream)
    assert "a pickle" in _refusal(stream.getvalue(), tmp_path / "model.pt")
    assert not trap.exists()


def _zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return stream.getvalue()


def test_archives_of_others_are_refused(good: Path, tmp_path: Path) -> None:
    parts = parts_of(good)
    assert "compressed" in _refusal(_zipped(parts, zipfile.ZIP_DEFLATED), tmp_path / "z.zip")
    assert "other bytes than its parts give" in _refusal(_zipped(parts), tmp_path / "z.zip")  # it has times
    bomb = _zipped({"manifest.json": b"\0" * 10**7}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    assert "compressed" in _refusal(bomb, tmp_path / "z.zip")
    names = ("../x", "/etc/x", "a/../x", "a\\x", "C:x", "a/b/c", ".x", "a..b", "x\0y", "ü", "", "a/", "a//b")
    for name in names:
        said = _refusal(
            b"".join(zip_chunks({"manifest.json": b"{}"})).replace(*_renamed(name)), tmp_path / "z.zip"
        )
        assert "plain names" in said, name


def _renamed(name: str) -> tuple[bytes, bytes]:
    """The first entry's name and its length, and others in their place."""
    head = b"".join(zip_chunks({"manifest.json": b"{}"}))[:30]
    text = name.encode("utf-8")
    return head + b"manifest.json", head[:26] + struct.pack("<H", len(text)) + head[28:30] + text


def test_sizes_that_lie(good: Path, tmp_path: Path) -> None:
    data = bytearray(good.read_bytes())
    data[18:26] = struct.pack("<II", 2**31, 2**31)
    assert "2,147,483,648 bytes" in _refusal(bytes(data), tmp_path / "z.zip")
    many = {f"a{k}": b"" for k in range(MOST + 1)}
    assert f"more than {MOST} parts" in _refusal(b"".join(zip_chunks(many)), tmp_path / "z.zip")


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(StorageError, match=r"at most 1,073,741,824"):
        open_bundle(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(StorageError, match="a bundle is refused"):
            open_bundle(path)


def test_a_part_twice(good: Path, tmp_path: Path) -> None:
    entry = good.read_bytes()
    size = entry.index(b"PK\x03\x04", 4)
    assert "manifest.json twice" in _refusal(entry[:size] + entry, tmp_path / "z.zip")


def _with(name: str, data: bytes | None) -> Callable[[dict[str, bytes]], bytes]:
    """Replace or remove a part, everything else made to fit."""

    def forge(parts: dict[str, bytes]) -> bytes:
        changed = {**parts, name: data} if data is not None else {k: v for k, v in parts.items() if k != name}
        return forged(changed)

    return forge


def _json(name: str, change: Callable[[dict], object]) -> Callable[[dict[str, bytes]], bytes]:
    def forge(parts: dict[str, bytes]) -> bytes:
        value = json.loads(parts[name])
        replaced = change(value)
        text = json.dumps(value if replaced is None else replaced, indent=2, ensure_ascii=False) + "\n"
        return forged({**parts, name: text.encode()})

    return forge


def _manifest(**changes: object) -> Callable[[dict[str, bytes]], bytes]:
    return lambda parts: forged(parts, **changes)


RIDGE = "weights/ridge-2024.safetensors"
BOOST = "weights/lightgbm-2024-seed0.json"
FORGED: dict[str, tuple[Callable[[dict[str, bytes]], bytes], str]] = {
    "another format": (_manifest(format="gogooku3-panel"), "format and version"),
    "another version": (_manifest(version=2), "format and version"),
    "a version that is true": (_manifest(version=True), "manifest.json: version"),
    "a field more": (_manifest(code="print()"), "manifest.json: code"),
    "no members": (_manifest(members=[]), "manifest.json: members"),
    "a member that is not there": (_manifest(members=[{"model": "ridge", "file": "weights/x.json"}]), "weights/x.json"),
    "settings as weights": (_manifest(members=[{"model": "ridge", "file": "settings.json"}]), "files of weights/"),
    "a part unlisted": (_manifest(parts=[]), "parts too many or too few"),
    "an unknown part": (_with("run.py", b"print()"), "run.py"),
    "unknown weights": (_with("weights/more.json", b"{}"), "weights/more.json"),
    "no settings": (_with("settings.json", None), "settings.json"),
    "no card": (_with("model_card.md", None), "model_card.md"),
    "no weights": (_with(RIDGE, None), "ridge-2024"),
    "pickled weights": (_with(RIDGE, pickle.dumps([1])), "a pickle"),
    "pickled boosters": (_with(BOOST, pickle.dumps([1], protocol=0)), "a pickle"),
    "pickled settings": (_with("settings.json", pickle.dumps([1])), "a pickle"),
    "a header of 5 MB": (_with(RIDGE, (5_000_000).to_bytes(8, "little") + b"{" + b" " * 5_000_000), "5,000,000"),
    "a header of 2^62 bytes": (_with(RIDGE, (2**62).to_bytes(8, "little") + b"{}"), "header"),
    "weights cut off": (_with(RIDGE, members()[0].data[:-1]), "bytes of tensors"),
    "other weights": (_with(RIDGE, b"\0" * 100), "that are none"),
    "boosters as a list": (_with(BOOST, b"[]"), "another form"),
    "deep boosters": (_with(BOOST, b"[" * 200_000), "no JSON"),
    "settings that are no JSON": (_with("settings.json", b"{nothing}\n"), "settings.json"),
    "settings that are no text": (_with("settings.json", b"\xff"), "settings.json: no text"),
    "deep settings": (_with("settings.json", b"[" * 200_000), "settings.json"),
    "a number that is none": (_with("settings.json", b'{\n  "a": {\n    "b": NaN\n  }\n}\n'), "settings.json"),
    "a doubled key": (_with("versions.json", b'{\n  "a": "1",\n  "a": "2"\n}\n'), "doubled keys"),
    "other blanks": (_with("versions.json", b'{"a": "1"}'), "other blanks"),
    "settings as a list": (_json("settings.json", lambda _: [1]), "settings"),
    "a feature that is a number": (_json("features.json", lambda v: v["names"].append(1)), "features.names"),
    "no feature": (_json("features.json", lambda v: v.update(names=[])), "features.names"),
    "a field of features more": (_json("features.json", lambda v: v.update(code_path="x")), "features.code_path"),
    "a target that is none": (_json("targets.json", lambda _: ["next day"]), "targets"),
    "no session": (_json("training.json", lambda v: v.update(sessions=[])), "training.sessions"),
    "a date that is none": (_json("training.json", lambda v: v.update(scores_from="soon")), "training.scores_from"),
    "a normaliser less": (_json("normaliser.json", lambda v: v.pop("ridge") and None), "normaliser.json"),
    "a graph more": (_json("graph.json", lambda v: v.update(gru={})), "graph.json"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_bundle_is_refused(name: str, good: Path, tmp_path: Path) -> None:
    forge, said = FORGED[name]
    data = forge(parts_of(good))
    assert data != good.read_bytes()
    assert said in _refusal(data, tmp_path / "forged.zip")


def test_a_forger_who_changes_what_fits_is_not_found_out(good: Path, tmp_path: Path) -> None:
    """Hashes tell damage, not who packed it: the digest of the whole file is there to be compared."""
    other = save({"weights": np.zeros((2, 3)), "penalty": np.ones(3)})
    path = tmp_path / "forged.zip"
    path.write_bytes(forged({**parts_of(good), RIDGE: other}))
    assert open_bundle(path).digest != open_bundle(good).digest


def test_a_seal_that_does_not_fit(good: Path, tmp_path: Path) -> None:
    parts = parts_of(good)
    manifest = parts["manifest.json"].replace(b'"model": "ridge"', b'"model": "rigde"')
    data = b"".join(zip_chunks({**parts, "manifest.json": manifest}))
    assert "seal" in _refusal(data, tmp_path / "z.zip")


def test_another_order_of_parts(good: Path, tmp_path: Path) -> None:
    parts = parts_of(good)
    data = b"".join(zip_chunks(dict(reversed(parts.items()))))
    assert "another order" in _refusal(data, tmp_path / "z.zip")
