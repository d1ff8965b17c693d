"""A manifest names the immutable files that together are one thing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gogooku3.errors import StorageError
from gogooku3.storage.atomic import json_text, write_json
from gogooku3.storage.content import StoredFile
from gogooku3.storage.hashing import digest_json
from gogooku3.storage.paths import inside

MANIFEST_NAME = "manifest.json"
_KEYS = {"format", "version", "files", "content", "seal"}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The one file that is replaced when the thing changes; what it does not name does not count.

    Attributes:
        format: What the thing is, such as ``gogooku3-panel``.
        version: Version of that format.
        files: The files, in order.
        content: Anything else, as JSON.
    """

    format: str
    version: int
    files: tuple[StoredFile, ...]
    content: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Replace the manifest of ``folder`` in one step, sealed by a digest over all it says."""
        body = self._body()
        write_json(folder / MANIFEST_NAME, body | {"seal": digest_json(body)})

    @classmethod
    def read(cls, folder: Path, *, format: str, versions: Collection[int]) -> Manifest:
        """Read and check a manifest, and the presence and size of every file it names.

        Args:
            folder: Where it is.
            format: What it should be.
            versions: Versions of the format that the caller understands.

        Raises:
            StorageError: It is absent, damaged, of another format or version, names a path outside the
                folder, or a file is absent or has another size.
        """
        where = folder / MANIFEST_NAME
        text, body = _load(where)
        if body.get("format") != format:
            raise StorageError(
                "a manifest is of another kind", where=where, got=body.get("format"), expected=format
            )
        if body.get("version") not in versions:
            raise StorageError(
                "a manifest is of another version",
                where=where,
                got=body.get("version"),
                expected=" or ".join(map(str, sorted(versions))),
            )
        seal = body.pop("seal", None)
        if seal != digest_json(body) or set(body) | {"seal"} != _KEYS:
            raise StorageError("a manifest is damaged", where=where, got="content that does not fit its seal")
        if text != json_text(body | {"seal": seal}):
            raise StorageError(
                "a manifest is damaged", where=where, got="blanks or line ends other than were written"
            )
        try:
            files = tuple(_stored(entry) for entry in body["files"])
        except (TypeError, KeyError, StorageError) as error:
            raise StorageError("a manifest names an impossible file", where=where, got=error) from error
        manifest = cls(format=format, version=body["version"], files=files, content=body["content"])
        for file in files:
            _check_present(folder, file)
        return manifest

    def _body(self) -> dict[str, object]:
        return {
            "format": self.format,
            "version": self.version,
            "files": [asdict(file) for file in self.files],
            "content": dict(self.content),
        }


def _stored(entry: Mapping[str, Any]) -> StoredFile:
    """Read an entry; the digest was called sha256 before panels of version 2."""
    digest = entry["digest"] if "digest" in entry else entry["sha256"]
    return StoredFile(name=entry["name"], digest=digest, size=entry["size"])


def _load(where: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = where.read_bytes().decode("utf-8")
        body = json.loads(text)
    except OSError as error:
        raise StorageError("a manifest cannot be read", where=where, got=error.strerror) from error
    except ValueError as error:
        raise StorageError("a manifest is damaged", where=where, got=error) from error
    if not isinstance(body, dict):
        raise StorageError(
            "a manifest is damaged", where=where, got=type(body).__name__, expected="an object"
        )
    return text, body


def _check_present(folder: Path, file: StoredFile) -> None:
    path = inside(folder, file.name)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise StorageError("a file of the manifest is absent", where=path, got=error.strerror) from error
    if size != file.size:
        raise StorageError(
            "a file of the manifest has another size",
            where=path,
            got=f"{size} bytes",
            expected=f"{file.size} bytes",
        )
