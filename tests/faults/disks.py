"""Disks that are full or read-only, made of memory and gone with the process that uses them.

`python -m tests.faults.disks HOW FOLDER` writes everything that the product writes on such a disk, again and again,
and prints a line of JSON a try.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLI = (sys.executable, "-c", "from gogooku3.cli import main; main()")
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    "OMP_WAIT_POLICY": "PASSIVE",
}
_LARGEST = 40_000
_SCRIPT = """
mount -t tmpfs -o size="$1" none "$2" && cp -a "$3/." "$2/" || exit 99
if [ "$4" = read-only ]; then mount -o remount,ro "$2" || exit 99; fi
into=$3 disk=$2
cd "$disk"; shift 4
"$@"; code=$?
cd /; cp -a "$disk/." "$into/" || exit 99
exit $code
"""


@cache
def privileges() -> tuple[str, ...]:
    """The options of unshare(1) that let this user mount a disk that only the child sees, empty if none does."""
    for options in (("-m",), ("-rm",)):
        arguments = ["unshare", *options, "sh", "-c", 'mount -t tmpfs -o size=1m none "$1"', "sh", str(ROOT)]
        try:
            if subprocess.run(arguments, capture_output=True, check=False).returncode == 0:
                return options
        except OSError:
            return ()
    return ()


def on_disk(
    folder: Path, scratch: Path, *arguments: str, size: str = "1m", read_only: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program on a small disk that holds a copy of ``folder``, which afterwards holds what is on the disk."""
    scratch.mkdir()
    how = "read-only" if read_only else "writable"
    return subprocess.run(
        [
            "unshare",
            *privileges(),
            "sh",
            "-c",
            _SCRIPT,
            "sh",
            size,
            str(scratch),
            str(folder),
            how,
            *arguments,
        ],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    """Return what a child printed."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _writers() -> dict[str, Callable[[Path], object]]:
    import numpy as np
    import polars as pl

    from gogooku3.models.baselines.ridge import FittedRidge
    from gogooku3.panel.segment_file import write_single
    from gogooku3.storage.atomic import atomic_path, write_json
    from gogooku3.storage.csv import write_csv
    from gogooku3.storage.parquet import write_parquet
    from tests.panel import panels

    table = pl.DataFrame({"a": np.random.default_rng(0).normal(size=2000)})
    ridge = FittedRidge(weights=np.ones((40, 40)), penalty=(1.0,), validation=(0.0,))

    def save(path: Path) -> None:
        with atomic_path(path / "ridge.safetensors") as partial:
            ridge.save(partial)

    return {
        "panel": lambda path: panels.write_panel(path / "panel", panels.random_segments(seed=1)),
        "panel of one file": lambda path: write_single(
            path / "panel.arrow", panels.random_segments(1)[0], panels.AXES, stocks=panels.STOCKS, lineage={}
        ),
        "JSON": lambda path: write_json(path / "a.json", list(range(3000))),
        "Parquet": lambda path: write_parquet(table, path / "a.parquet"),
        "CSV": lambda path: write_csv(table, path / "a.csv"),
        "weights": save,
    }


def prepare(folder: Path) -> None:
    """Write what is there before."""
    from gogooku3.panel.segment_file import write_single
    from tests.panel import panels

    folder.mkdir()
    panels.write_panel(folder / "panel", panels.random_segments())
    segment = panels.random_segments()[0]
    write_single(folder / "panel.arrow", segment, panels.AXES, stocks=panels.STOCKS, lineage={})
    for name in ("a.json", "a.parquet", "a.csv", "ridge.safetensors"):
        (folder / name).write_text("[1]")


def _tries(how: str, folder: Path) -> Iterator[dict[str, object]]:
    from gogooku3.errors import StorageError

    rng = random.Random(how)
    for writer, write in _writers().items():
        for k in range(1 if how == "read-only" else 8):
            room = 0 if k == 0 else rng.randrange(_LARGEST)
            before = _files(folder)
            try:
                with _room(how, folder, room):
                    write(folder)
            except StorageError as error:
                left = _files(folder)
                yield {"writer": writer, "room": room, "error": str(error), "kept": left == before}
            else:
                yield {"writer": writer, "room": room, "error": None, "kept": True}


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "filler"
    }


@contextmanager
def _room(how: str, folder: Path, room: int) -> Iterator[None]:
    """Leave so many bytes to write: on the disk, or to each file."""
    if how == "limited":
        import resource

        usual = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, usual[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    elif how == "full":
        filler = folder / "filler"
        _fill(filler, room)
        try:
            yield
        finally:
            filler.unlink()
    else:
        yield


def _fill(filler: Path, room: int) -> None:
    with filler.open("wb", buffering=0) as file:
        for block in (65536, 4096, 1):
            try:
                while file.write(b"x" * block) == block:
                    pass
            except OSError:
                continue
        file.truncate(max(0, file.tell() - room))


def main(arguments: Sequence[str]) -> None:
    """Print a line a try."""
    how, folder = arguments
    for found in _tries(how, Path(folder)):
        print(json.dumps(found), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1:])
