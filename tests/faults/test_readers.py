"""Readers and writers at the same time: one writer wins, and readers keep what they opened.

A program that writes into a panel's file in place, which nothing of this package does, is not kept out: readers
that have used a column keep computing with what is in memory. What they have not used yet is checked at its first
use, so such a change is found there; and a file that is cut short in place under a reader ends its process, as the
system does for every mapped file.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gogooku3.errors import PanelError, StorageError
from gogooku3.panel.open import open_panel
from gogooku3.panel.segment_file import write_single
from tests.cli.test_faults import as_flags
from tests.faults.damage import read_all
from tests.faults.disks import CLI, ENVIRONMENT, ROOT
from tests.panel.panels import AXES, STOCKS, random_segments, same_bits, write_panel
from tests.pipeline.tiny import FLAGS

ARRAYS = ("features", "present", "universe", "targets", "target_ranks")
HOLD = """
import sys
from pathlib import Path
from gogooku3.panel.writer import PanelWriter
from tests.panel.panels import AXES, STOCKS, random_segments
with PanelWriter(Path(sys.argv[1]), AXES, STOCKS, {}) as writer:
    for segment in random_segments(seed=1):
        writer.add(segment)
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is about to finish a panel, and waits for a line."""
    arguments = [sys.executable, "-c", HOLD, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_two_writers(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    before = open_panel(folder).content_hash
    with holder(folder) as process:
        with pytest.raises(StorageError, match="another process is at work here") as caught:
            write_panel(folder, random_segments(seed=2))
        assert caught.value.where == str(folder)
        assert "wait until it has finished" in str(caught.value)
        assert open_panel(folder).content_hash == before
        process.communicate("go on\n", timeout=60)
        assert process.returncode == 0
    panel = open_panel(folder)
    panel.verify()
    assert panel.content_hash == open_panel(write_panel(tmp_path / "other", random_segments(1))).content_hash


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    with holder(folder) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        write_panel(folder, random_segments(seed=2))
    assert (folder / ".lock").exists()  # the file stays; that it is locked does not
    open_panel(folder).verify()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_two_builds_at_once(tmp_path: Path) -> None:
    arguments = [*CLI, "build", "--name", "r", "--json", *as_flags(FLAGS)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        arguments, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT
    ) as first:
        assert first.stderr is not None
        for line in first.stderr:
            if "reading bars" in line:
                break
        first.send_signal(signal.SIGSTOP)  # in the middle of the build, however fast this machine is
        second = subprocess.run(
            arguments, cwd=tmp_path, capture_output=True, text=True, check=False, env=ENVIRONMENT
        )
        first.send_signal(signal.SIGCONT)
        out, _ = first.communicate(timeout=120)
        assert first.returncode == 0
    assert second.returncode == 2
    assert "another process is at work here: a panel is being built" in second.stderr
    assert "wait until it has finished, or give this run another name" in second.stderr
    assert "another process" in json.loads(second.stdout)["error"]
    (stage,) = json.loads(out)["stages"]
    assert not stage["skipped"]
    open_panel(tmp_path / "runs" / "r" / "panel").verify()


def test_a_panel_rebuilt_under_a_reader(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    panel = open_panel(folder)
    first, _ = panel.blocks()
    first.features.sum()  # used before; the rest is read for the first time after its files are gone
    for seed in (1, 2, 3):
        write_panel(folder, random_segments(seed=seed))
    for block, segment in zip(panel.blocks(), random_segments(), strict=True):
        for name in ARRAYS:
            assert same_bits(getattr(block, name), getattr(segment, name)), name
    panel.verify()
    assert open_panel(folder).content_hash != panel.content_hash


def test_a_file_replaced_under_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "panel.arrow"
    old, new = random_segments()[0], random_segments(seed=1)[0]
    write_single(path, old, AXES, stocks=STOCKS, lineage={})
    panel = open_panel(path)
    write_single(path, new, AXES, stocks=STOCKS, lineage={})
    (block,) = panel.blocks()
    assert all(same_bits(getattr(block, name), getattr(old, name)) for name in ARRAYS)
    panel.verify()
    (block,) = open_panel(path).blocks()
    assert all(same_bits(getattr(block, name), getattr(new, name)) for name in ARRAYS)


def test_opening_while_panels_come_and_go(tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    known = {
        open_panel(write_panel(folder, random_segments(seed=seed))).content_hash: seed for seed in range(4)
    }
    done = threading.Event()

    def write() -> None:
        try:
            for k in range(60):
                write_panel(folder, random_segments(seed=k % 4))
        finally:
            done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    try:
        while not done.is_set():
            panel = open_panel(folder)
            read_all(panel)
            seen.append(known[panel.content_hash])
    finally:
        writer.join()
    assert len(set(seen)) > 1


def test_a_folder_that_is_replaced_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deterministically: the files of the manifest that was read are gone when they are to be mapped."""
    import gogooku3.panel.open as module

    folder = write_panel(tmp_path / "panel", random_segments())
    new = open_panel(write_panel(tmp_path / "other", random_segments(seed=1))).content_hash
    read = module.read_manifest
    replaced = []

    def replaced_after_reading(where: Path) -> object:
        manifest = read(where)
        if not replaced:
            replaced.append(write_panel(folder, random_segments(seed=1)))
        return manifest

    monkeypatch.setattr(module, "read_manifest", replaced_after_reading)
    assert open_panel(folder).content_hash == new


@pytest.mark.parametrize("column", ["features", "targets"])
def test_a_foreign_write_in_place_is_found_at_the_first_use(column: str, tmp_path: Path) -> None:
    path = tmp_path / "panel.arrow"
    segment = random_segments()[0]
    write_single(path, segment, AXES, stocks=STOCKS, lineage={})
    panel = open_panel(path)
    (block,) = panel.blocks()
    place = path.read_bytes().index(getattr(segment, column).tobytes())
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"\x01\x02\x03\x04")
    with pytest.raises(PanelError, match="damaged") as caught:
        getattr(block, column)
    assert caught.value.where == str(path)
