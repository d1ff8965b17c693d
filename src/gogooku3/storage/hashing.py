"""Digests by which files and settings are named and compared."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

from gogooku3.errors import StorageError


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex.

    Raises:
        StorageError: The file cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise StorageError("a file cannot be read", where=path, got=error.strerror) from error


def digest_json(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hex; key order does not matter.

    Paths and dates count as their text. Everything else that JSON does not have is refused, since its
    text may be cut (a long array), unordered (a set) or carry a memory address.

    Raises:
        StorageError: The value holds NaN, an infinity or an object without a canonical text.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise StorageError("a value has no canonical digest", got=error) from error
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, Path | dt.date):
        return str(value)
    raise TypeError(f"{type(value).__name__} is neither JSON, a path nor a date")
