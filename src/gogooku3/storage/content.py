"""Files that are named by what they hold, and therefore never change."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gogooku3.errors import StorageError
from gogooku3.storage.atomic import PARTIAL_SUFFIX, partial_path, publish

_DIGITS = 16


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """An immutable file below some root.

    Attributes:
        name: Path relative to the root, with ``/``; its stem is the first 16 hex digits of ``digest``.
        digest: SHA-256 that stands for every byte of the file, in hex.
        size: Bytes.
    """

    name: str
    digest: str
    size: int

    def __post_init__(self) -> None:
        named = re.fullmatch(rf"(?:[\w-]+/)*([0-9a-f]{{{_DIGITS}}})\.\w+", self.name)
        if named is None or not re.fullmatch(r"[0-9a-f]{64}", self.digest) or self.size < 0:
            raise StorageError("a stored file has an impossible entry", got=self, expected="a content name")
        if not self.digest.startswith(named[1]):
            raise StorageError(
                "a stored file's name is not that of its content", got=self.name, expected=self.digest
            )


def store(root: Path, folder: str, suffix: str, write: Callable[[Path], str]) -> StoredFile:
    """Let ``write`` fill a temporary file, then name it ``folder/<16 hex of its digest><suffix>`` below root.

    The same bytes always get the same name; a file of that name is replaced, which also mends a damaged one.

    Args:
        root: Folder that the name is relative to.
        folder: Folder below it.
        suffix: Ending of the name, with its dot.
        write: Fills the file and returns a SHA-256 that stands for all its bytes.

    Raises:
        StorageError: The folder cannot be written.
    """
    with partial_path(root / folder / f"new{suffix}") as partial:
        digest = write(partial)
        size = partial.stat().st_size
        name = f"{folder}/{digest[:_DIGITS]}{suffix}"
        publish(partial, root / name)
    return StoredFile(name=name, digest=digest, size=size)


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
