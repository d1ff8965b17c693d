"""Files that are named by what they hold, and therefore never change."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gogooku3.errors import StorageError
from gogooku3.storage.atomic import PARTIAL_SUFFIX, partial_path, publish
from gogooku3.storage.hashing import digest_file

_DIGITS = 16


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """An immutable file below some root.

    Attributes:
        name: Path relative to the root, with ``/``; its stem is the first 16 hex digits of ``sha256``.
        sha256: Digest of the file's bytes, in hex.
        size: Bytes.
    """

    name: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        named = re.fullmatch(rf"(?:[\w-]+/)*([0-9a-f]{{{_DIGITS}}})\.\w+", self.name)
        if named is None or not re.fullmatch(r"[0-9a-f]{64}", self.sha256) or self.size < 0:
            raise StorageError("a stored file has an impossible entry", got=self, expected="a content name")
        if not self.sha256.startswith(named[1]):
            raise StorageError(
                "a stored file's name is not that of its content", got=self.name, expected=self.sha256
            )


def store(root: Path, folder: str, suffix: str, write: Callable[[Path], None]) -> StoredFile:
    """Let ``write`` fill a temporary file, then name it ``folder/<16 hex of SHA-256><suffix>`` below root.

    The same bytes always get the same name; a file of that name is replaced, which also mends a damaged one.

    Raises:
        StorageError: The folder cannot be written.
    """
    with partial_path(root / folder / f"new{suffix}") as partial:
        write(partial)
        sha256, size = digest_file(partial), partial.stat().st_size
        name = f"{folder}/{sha256[:_DIGITS]}{suffix}"
        publish(partial, root / name)
    return StoredFile(name=name, sha256=sha256, size=size)


def sweep(root: Path, folder: str, suffix: str, keep: set[str]) -> list[str]:
    """Remove content-named and half-written files except the names in ``keep``; return what went."""
    swept = []
    pattern = re.compile(rf"[0-9a-f]{{{_DIGITS}}}{re.escape(suffix)}|\..*{re.escape(PARTIAL_SUFFIX)}")
    for path in sorted((root / folder).glob("*")):
        name = f"{folder}/{path.name}"
        if pattern.fullmatch(path.name) and name not in keep:
            path.unlink(missing_ok=True)
            swept.append(name)
    return swept
