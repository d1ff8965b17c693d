"""Open a bundle: everything is checked before anything is used, and nothing of it is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gogooku3.bundle.about import About
from gogooku3.bundle.archive import LARGEST, unzip
from gogooku3.bundle.bundle import CARD, FORMAT, MANIFEST, VERSION, WEIGHTS, Bundle
from gogooku3.bundle.member import Member
from gogooku3.bundle.refused import refused
from gogooku3.storage.atomic import json_text
from gogooku3.storage.hashing import digest_json
from gogooku3.storage.pickles import name_pickle

_ABOUT = {f"{name}.json": name for name in About.model_fields}
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Part(BaseModel):
    """A part of the archive."""

    model_config = _STRICT

    name: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class _Named(BaseModel):
    """Which model a file of weights belongs to."""

    model_config = _STRICT

    model: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    file: str


class _Manifest(BaseModel):
    """What the archive holds."""

    model_config = _STRICT

    format: str
    version: int
    members: tuple[_Named, ...] = Field(min_length=1)
    parts: tuple[_Part, ...]
    seal: str


def open_bundle(path: str | Path) -> Bundle:
    """Read a bundle and check every byte of it.

    Hashes tell damage, not who packed it: compare `Bundle.digest` with what its maker says.

    Raises:
        StorageError: The file cannot be read; is a pickle, an archive of another kind or version, cut off or
            damaged; has a part too many, too few, twice, compressed or with a name that is not plain; or weights
            whose header is too long or does not fit them.
    """
    where = Path(path)
    try:
        size = where.stat().st_size
        if size > LARGEST:
            raise refused(where, f"{size:,} bytes", f"at most {LARGEST:,}")
        data = where.read_bytes()
    except OSError as error:
        raise refused(where, error.strerror or str(error), "a file that can be read") from error
    return open_bytes(data, where)


def open_bytes(data: bytes, where: Path) -> Bundle:
    """Check the bytes of a bundle; see `open_bundle`."""
    if len(data) > LARGEST:
        raise refused(where, f"{len(data):,} bytes", f"at most {LARGEST:,}")
    parts = unzip(data, where)
    manifest = _manifest(parts, where)
    _check_parts(parts, manifest, where)
    members = tuple(
        Member(model=said.model, name=said.file.removeprefix(WEIGHTS), data=bytes(parts[said.file]))
        for said in manifest.members
    )
    for member in members:
        member.check(where)
    about = _about(parts, where)
    bundle = Bundle(
        path=where,
        digest=hashlib.sha256(data).hexdigest(),
        about=about,
        members=members,
        card=_text(parts, CARD, where),
    )
    by_model = {"normaliser": about.normaliser, "graph": about.graph, "versions": about.versions}
    for said, described in by_model.items():
        if set(described) != set(bundle.models):
            raise refused(where, f"{said}.json for {', '.join(described)}", f"{', '.join(bundle.models)}")
    return bundle


def _manifest(parts: Mapping[str, memoryview], where: Path) -> _Manifest:
    if MANIFEST not in parts:
        raise refused(where, f"no {MANIFEST}", "a bundle")
    body = _json(parts, MANIFEST, where)
    said = (body.get("format"), body.get("version")) if isinstance(body, dict) else None
    if said != (FORMAT, VERSION):
        raise refused(where, f"format and version {said}", f"{(FORMAT, VERSION)}")
    try:
        manifest = _Manifest.model_validate_json(bytes(parts[MANIFEST]))
    except ValidationError as error:
        raise refused(where, f"{MANIFEST}: {_first(error)}", "a manifest as it was written") from error
    if manifest.seal != digest_json({key: body[key] for key in body if key != "seal"}):
        raise refused(where, f"a {MANIFEST} that does not fit its seal", "the file as it was written")
    return manifest


def _check_parts(parts: Mapping[str, memoryview], manifest: _Manifest, where: Path) -> None:
    """Check which parts there are, in which order, and each one's size and digest."""
    listed = [part.name for part in manifest.parts]
    weights = [member.file for member in manifest.members]
    wanted = sorted({*_ABOUT, CARD, *weights})
    if len(set(weights)) < len(weights) or not all(name.startswith(WEIGHTS) for name in weights):
        raise refused(where, f"weights {', '.join(weights)}", f"files of {WEIGHTS}, each once")
    if listed != wanted or list(parts) != [MANIFEST, *wanted]:
        other = sorted({*parts, *listed, MANIFEST} ^ {MANIFEST, *wanted}) or sorted(
            {*parts} ^ {MANIFEST, *wanted}
        )
        raise refused(
            where,
            f"parts too many or too few: {', '.join(other) or 'none, but in another order'}",
            "those of a bundle, each listed in its manifest",
        )
    for part in manifest.parts:
        found = parts[part.name]
        if len(found) != part.size or hashlib.sha256(found).hexdigest() != part.sha256:
            raise refused(
                where, f"other bytes of {part.name}", f"SHA-256 {part.sha256[:16]}, {part.size:,} bytes"
            )


def _about(parts: Mapping[str, memoryview], where: Path) -> About:
    said = {field: _json(parts, name, where) for name, field in _ABOUT.items()}
    try:
        return About.model_validate_json(json.dumps(said), strict=True)
    except ValidationError as error:
        raise refused(
            where, f"a file of another form: {_first(error)}", "the form of this version"
        ) from error


def _json(parts: Mapping[str, memoryview], name: str, where: Path) -> Any:
    """Read a part as JSON that has just the blanks and line ends that were written."""
    text = _text(parts, name, where)
    try:
        value = json.loads(text)
        same = json_text(value) == text
    except (ValueError, RecursionError) as error:
        raise refused(where, f"{name}: {name_pickle(bytes(parts[name])) or error}", "JSON") from error
    if not same:
        raise refused(
            where, f"{name} with other blanks, line ends or doubled keys", "the JSON as it was written"
        )
    return value


def _text(parts: Mapping[str, memoryview], name: str, where: Path) -> str:
    data = bytes(parts[name])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused(where, f"{name}: {name_pickle(data) or 'no text'}", "UTF-8 text") from error


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
