"""A file exists whole or not at all."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from gogooku3.errors import StorageError
from gogooku3.storage import atomic_path, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_content_and_mode(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.txt"
    write_text(target, "één\n")
    assert target.read_text(encoding="utf-8") == "één\n"
    assert target.stat().st_mode & 0o777 == 0o644
    assert names(target.parent) == ["a.txt"]


def test_error_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as partial:
        assert partial.write_text("half") / 0
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_target_is_untouched_until_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_path(target) as partial:
        partial.write_text("new")
        assert not target.exists()
        assert partial.parent == tmp_path
    assert target.read_text() == "new"


def test_unwritable_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a file cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_error_without_an_errno_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="disk went away"), atomic_path(tmp_path / "a.txt"):
        raise OSError("disk went away")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x"])
def test_what_json_lacks_is_refused(tmp_path: Path, value: object) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"old": 1})
    with pytest.raises(StorageError, match="cannot be written as JSON"):
        write_json(target, {"x": value})
    assert json.loads(target.read_text()) == {"old": 1}


def test_what_a_dead_writer_left_is_removed_and_what_a_live_one_holds_is_not(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    others = [".b.txt.12345678.partial", ".a.txt", "a.txt.12345678.partial", ".a.txt.12345678.partial~"]
    for name in [".a.txt.12345678.partial", *others]:
        (tmp_path / name).write_text("half")
    with atomic_path(target) as live:
        live.write_text("first")
        write_text(target, "second")
        assert live.exists()
        assert not (tmp_path / ".a.txt.12345678.partial").exists()
    assert target.read_text() == "first"
    assert names(tmp_path) == sorted([*others, "a.txt"])


def test_a_target_whose_name_is_a_pattern(tmp_path: Path) -> None:
    (tmp_path / ".axb.12345678.partial").write_text("another's")
    write_text(tmp_path / "a*b", "x")
    assert names(tmp_path) == [".axb.12345678.partial", "a*b"]


def test_a_fresh_file_that_was_swept_at_once_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkstemp
    made: list[Path] = []

    def swept_at_first(**options: object) -> tuple[int, str]:
        handle, name = make(**options)
        made.append(Path(name))
        if len(made) == 1:
            Path(name).unlink()
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", swept_at_first)
    write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").read_text() == "x"
    assert len(made) == 2
