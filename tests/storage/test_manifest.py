"""Content-named files, and the manifest that makes them one thing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gogooku3.errors import StorageError
from gogooku3.storage import MANIFEST_NAME, Manifest, StoredFile, digest_json, store, sweep, write_json


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def put(root: Path, content: bytes) -> StoredFile:
    return store(
        root, "parts", ".bin", lambda path: path.write_bytes(content) and hashlib.sha256(content).hexdigest()
    )


def sealed(folder: Path, change: dict[str, object]) -> None:
    """Rewrite a manifest with another content and a seal that fits it."""
    body = json.loads((folder / MANIFEST_NAME).read_text()) | change
    body.pop("seal")
    write_json(folder / MANIFEST_NAME, body | {"seal": digest_json(body)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = (put(tmp_path, b"one"), put(tmp_path, b"two"))
    Manifest(format="thing", version=1, files=files, content={"x": [1.5, None]}).write(tmp_path)
    return tmp_path


def test_files_are_named_by_content(tmp_path: Path) -> None:
    file = put(tmp_path, b"one")
    digest = hashlib.sha256(b"one").hexdigest()
    assert file == StoredFile(name=f"parts/{digest[:16]}.bin", digest=digest, size=3)
    assert put(tmp_path, b"one") == file
    assert names(tmp_path / "parts") == [f"{digest[:16]}.bin"]


def test_failing_write_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        store(tmp_path, "parts", ".bin", fail)
    assert names(tmp_path / "parts") == []


def test_sweep_takes_leftovers_and_nothing_else(tmp_path: Path) -> None:
    kept, old = put(tmp_path, b"one"), put(tmp_path, b"two")
    for name in (".new.bin.abc.partial", "notes.txt", "0123456789abcdef.other"):
        (tmp_path / "parts" / name).write_text("")
    assert sweep(tmp_path, "parts", ".bin", {kept.name}) == ["parts/.new.bin.abc.partial", old.name]
    left = sorted(names(tmp_path / "parts"))
    assert left == sorted([Path(kept.name).name, "notes.txt", "0123456789abcdef.other"])
    assert sweep(tmp_path, "absent", ".bin", set()) == []


def test_round_trip(folder: Path) -> None:
    manifest = Manifest.read(folder, format="thing", versions=(1,))
    assert manifest.content == {"x": [1.5, None]}
    assert [file.size for file in manifest.files] == [3, 3]


def test_other_kind_and_version(folder: Path) -> None:
    with pytest.raises(StorageError, match="another kind"):
        Manifest.read(folder, format="other", versions=(1,))
    with pytest.raises(StorageError, match=r"another version[\s\S]*got: 1[\s\S]*expected: 2"):
        Manifest.read(folder, format="thing", versions=(2,))
    with pytest.raises(StorageError, match="cannot be read"):
        Manifest.read(folder / "parts", format="thing", versions=(1,))


def test_every_flipped_byte_is_found(folder: Path) -> None:
    path = folder / MANIFEST_NAME
    raw = path.read_bytes()
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 0x01
        path.write_bytes(changed)
        with pytest.raises(StorageError):
            Manifest.read(folder, format="thing", versions=(1,))


def test_truncated_manifest(folder: Path) -> None:
    path = folder / MANIFEST_NAME
    raw = path.read_bytes()
    for length in [*range(0, len(raw), 7), len(raw) - 1]:
        path.write_bytes(raw[:length])
        with pytest.raises(StorageError):
            Manifest.read(folder, format="thing", versions=(1,))


@pytest.mark.parametrize(
    "change", [lambda text: text + "\n", lambda text: text.replace("\n", "\r\n"), str.strip]
)
def test_other_blanks_are_damage(folder: Path, change: Callable[[str], str]) -> None:
    path = folder / MANIFEST_NAME
    path.write_bytes(change(path.read_text()).encode())
    with pytest.raises(StorageError, match=r"damaged[\s\S]*blanks"):
        Manifest.read(folder, format="thing", versions=(1,))


def test_absent_or_shortened_file(folder: Path) -> None:
    name = Manifest.read(folder, format="thing", versions=(1,)).files[0].name
    (folder / name).write_bytes(b"on")
    with pytest.raises(StorageError, match=r"another size[\s\S]*2 bytes[\s\S]*3 bytes"):
        Manifest.read(folder, format="thing", versions=(1,))
    (folder / name).unlink()
    with pytest.raises(StorageError, match="is absent"):
        Manifest.read(folder, format="thing", versions=(1,))


@pytest.mark.parametrize("folder_part", ["../", "/", "parts/../../", "./"])
def test_climbing_names_are_refused(folder: Path, folder_part: str) -> None:
    digest = hashlib.sha256(b"one").hexdigest()
    entry = {"name": f"{folder_part}{digest[:16]}.bin", "digest": digest, "size": 3}
    sealed(folder, {"files": [entry]})
    with pytest.raises(StorageError, match="impossible file"):
        Manifest.read(folder, format="thing", versions=(1,))


def test_linked_folder_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "parts").rename(elsewhere / "parts")
    (folder / "parts").symlink_to(elsewhere / "parts")
    with pytest.raises(StorageError, match="leaves the folder"):
        Manifest.read(folder, format="thing", versions=(1,))


def test_name_that_is_not_the_content_is_refused() -> None:
    with pytest.raises(StorageError, match="not that of its content"):
        StoredFile(name="parts/" + "0" * 16 + ".bin", digest="1" * 64, size=1)
