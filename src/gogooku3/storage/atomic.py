"""A file exists whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gogooku3.errors import StorageError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; on success it is synced and takes the target's name.

    On any error the temporary file is removed and an older ``target`` stays as it was.
    Libraries that write their own files are given the yielded path.

    Raises:
        StorageError: The folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise StorageError(
            "a file cannot be written", where=target, got=error.strerror, remedy="check the folder and its free space"
        ) from error
    partial = Path(name)
    try:
        yield partial
        _sync(partial)
        partial.chmod(0o644)
        partial.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise StorageError(
            "a file cannot be written", where=target, got=error.strerror, remedy="check the folder and its free space"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(target) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(target: Path, value: object) -> None:
    """Write JSON atomically; NaN and infinity are refused, since JSON has neither."""
    write_text(target, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
