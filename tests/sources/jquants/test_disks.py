"""A full and a read-only disk: one sentence, whole days or none."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

from tests.faults.disks import CLI, on_disk, privileges
from tests.sources.jquants.server import KEY, JQuantsServer


@pytest.mark.skipif(
    sys.platform != "linux" or not privileges(),
    reason="mounting a small disk of memory is not permitted here",
)
@pytest.mark.parametrize(
    ("read_only", "reason"), [(True, "Read-only file system"), (False, "No space left on device")]
)
def test_a_disk_that_takes_nothing_more(
    server: JQuantsServer, tmp_path: Path, read_only: bool, reason: str
) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    done = on_disk(
        folder, tmp_path / "disk", *CLI, "fetch", "jquants", "--from", "2024-04-01", "--to", "2024-05-24",
        "--plan", "premium", "--base-url", server.url, "--key-file", "key", "--quiet",
        size="160k", read_only=read_only,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("gogooku3: ")
    assert reason in done.stderr
    assert "check the folder and its free space" in done.stderr
    assert KEY not in done.stderr + done.stdout
    stored = sorted(folder.rglob("2024-*.parquet"))
    assert bool(stored) != read_only
    for path in stored:
        assert pl.read_parquet(path).height
    assert not list(folder.rglob("*.partial"))
