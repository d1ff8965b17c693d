"""Digests by which files and settings are named and compared."""

from __future__ import annotations

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
    """Return the SHA-256 of a value's canonical JSON, in hex; key order does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
