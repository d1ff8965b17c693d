"""A full or read-only disk: one clear sentence, and what was there before stays as it was."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gogooku3.panel.open import open_panel
from tests.faults.disks import CLI, ROOT, lines, on_disk, prepare, privileges
from tests.pipeline.tiny import NAME

needs_mount = pytest.mark.skipif(
    sys.platform != "linux" or not privileges(),
    reason="mounting a small disk of memory is not permitted here",
)
TRIES = (sys.executable, "-m", "tests.faults.disks")
REASONS = {
    "full": "No space left on device",
    "limited": "File too large",
    "read-only": "Read-only file system",
}


def check(how: str, tries: list[dict[str, object]]) -> None:
    """Every try failed with the reason and changed nothing, or had room enough."""
    assert len({found["writer"] for found in tries}) == 6
    refused = [found for found in tries if found["error"]]
    for found in refused:
        assert REASONS[how] in str(found["error"]), found
        assert "remedy: check the folder and its free space" in str(found["error"])
        assert found["kept"], found
    assert {found["writer"] for found in refused} == {found["writer"] for found in tries}
    assert (len(refused) < len(tries)) == (how != "read-only")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
def test_no_room_for_a_file(tmp_path: Path) -> None:
    prepare(tmp_path / "files")
    done = subprocess.run(
        [*TRIES, "limited", str(tmp_path / "files")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    check("limited", lines(done))


@needs_mount
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_full_and_a_read_only_disk(how: str, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    prepare(folder)
    old = open_panel(folder / "panel").content_hash
    read_only = how == "read-only"
    check(how, lines(on_disk(folder, tmp_path / "disk", *TRIES, how, ".", read_only=read_only)))
    panel = open_panel(folder / "panel")
    panel.verify()
    assert (panel.content_hash == old) == read_only  # the last tries on the other one had room


@needs_mount
@pytest.mark.parametrize("verb", ["build", "train"])
def test_the_command_line_on_a_full_disk(verb: str, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    shutil.copytree(made, folder / "runs")
    size = sum(path.stat().st_size + 4096 for path in folder.rglob("*")) + 300_000
    setting = "universe.min_history=45" if verb == "build" else "ridge.penalties=[3.0]"
    if verb == "train":
        size -= 300_000 - 16_384
    done = on_disk(
        folder, tmp_path / "disk", *CLI, verb, "--name", NAME, "--set", setting, "--quiet", size=f"{size}"
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("gogooku3: a file cannot be written")
    assert REASONS["full"] in done.stderr
    panel = open_panel(folder / "runs" / NAME / "panel")
    panel.verify()
    assert panel.content_hash == open_panel(made / NAME / "panel").content_hash
    assert not list(folder.rglob("*.partial"))


@needs_mount
def test_the_command_line_on_a_read_only_disk(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    shutil.copytree(made, folder / "runs")
    done = on_disk(
        folder, tmp_path / "disk", *CLI, "build", "--name", NAME, "--set", "universe.min_history=45",
        size="64m", read_only=True,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("gogooku3: ")
    assert "Read-only file system" in done.stderr
    assert "remedy: check the folder and its free space" in done.stderr
