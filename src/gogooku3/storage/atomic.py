"""A file exists whole or not at all."""

from __future__ import annotations

import glob
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gogooku3.errors import StorageError
from gogooku3.storage.leftovers import claim, sweep_dead

PARTIAL_SUFFIX = ".partial"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; on success it is synced and takes the target's name.

    On any error the temporary file is removed and an older ``target`` stays as it was.
    Libraries that write their own files are given the yielded path.

    Raises:
        StorageError: The folder cannot be written.
    """
    with partial_path(target) as partial:
        yield partial
        publish(partial, target)


@contextmanager
def partial_path(target: Path) -> Iterator[Path]:
    """Yield a fresh hidden file beside ``target`` that is gone afterwards, unless `publish` renamed it.

    Those that an earlier writer of ``target`` left behind when it was killed are removed.

    Raises:
        StorageError: The folder cannot be written.
    """
    with _explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep_dead(target.parent, f".{glob.escape(target.name)}.*{PARTIAL_SUFFIX}")
        handle, partial = _fresh(target)
    try:
        with _explained(target):
            yield partial
    finally:
        if handle is not None:
            os.close(handle)
        partial.unlink(missing_ok=True)


def publish(partial: Path, target: Path) -> None:
    """Sync a finished file and give it its name, in one step that cannot be seen half done.

    Raises:
        StorageError: The file cannot be synced or renamed.
    """
    with _explained(target):
        _sync(partial)
        partial.chmod(0o644)
        partial.replace(target)
        _sync(target.parent)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(target) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_json(target: Path, value: object) -> None:
    """Write JSON atomically.

    Raises:
        StorageError: The value holds NaN, an infinity or something else that JSON does not have.
    """
    try:
        text = json_text(value)
    except (TypeError, ValueError) as error:
        raise StorageError("a value cannot be written as JSON", where=target, got=error) from error
    write_text(target, text)


def json_text(value: object) -> str:
    """Return the text that `write_json` writes for a value.

    Raises:
        TypeError, ValueError: JSON does not have it.
    """
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            "a file cannot be written",
            where=target,
            got=error.strerror or error,
            remedy="check the folder and its free space",
        ) from error


def _fresh(target: Path) -> tuple[int | None, Path]:
    """Make an empty file; the handle holds it while its writer lives."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=PARTIAL_SUFFIX, dir=target.parent)
        if sys.platform != "win32" and claim(handle):
            return handle, Path(name)
        os.close(handle)
        if sys.platform == "win32":  # an open file cannot be renamed there
            return None, Path(name)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
