"""Configured names stay inside their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogooku3.errors import StorageError
from gogooku3.storage import inside


def test_inside(tmp_path: Path) -> None:
    assert inside(tmp_path, "a/b.txt") == tmp_path.resolve() / "a" / "b.txt"
    assert inside(tmp_path, "a/../b.txt") == tmp_path.resolve() / "b.txt"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", ".", "", "..", "a\0b"])
def test_outside(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError):
        inside(tmp_path, name)


def test_links_are_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    with pytest.raises(StorageError, match="leaves the folder"):
        inside(root, "out/x")


def test_sibling_with_the_same_prefix_is_outside(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        inside(tmp_path / "run", "../run2/x")
