"""Pack models into one file.

One file rather than a folder, since one is what gets copied, named and hashed; a zip archive, since any tool opens
it; not compressed, since weights hardly are, and so nothing can grow when it is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gogooku3.bundle.about import About
from gogooku3.bundle.archive import check_name, zip_chunks
from gogooku3.bundle.bundle import CARD, FORMAT, MANIFEST, VERSION, WEIGHTS, Bundle
from gogooku3.bundle.card import model_card
from gogooku3.bundle.member import Member
from gogooku3.bundle.open import open_bytes
from gogooku3.storage.atomic import atomic_path, json_text
from gogooku3.storage.hashing import digest_json


def pack(out: Path, about: About, members: Sequence[Member]) -> Bundle:
    """Write a bundle, whole or not at all; the same models and words give the same bytes.

    Args:
        out: The file, replaced in one step.
        about: What it says beside its weights.
        members: The models' files; those of one model beside each other, in the order of its seeds.

    Returns:
        The bundle, read back from the bytes that were written.

    Raises:
        StorageError: What is to be packed would be refused when it is opened, or the file cannot be written.
    """
    said = about.model_dump(mode="json")
    parts = {f"{name}.json": json_text(said[name]).encode() for name in said}
    parts[CARD] = model_card(about, members).encode()
    parts |= {f"{WEIGHTS}{member.name}": member.data for member in members}
    for name in parts:
        check_name(name, out)
    parts = dict(sorted(parts.items()))
    manifest = {MANIFEST: json_text(_manifest(parts, members)).encode()}
    data = b"".join(zip_chunks(manifest | parts))
    bundle = open_bytes(data, out)
    with atomic_path(out) as partial:
        partial.write_bytes(data)
    return bundle


def _manifest(parts: Mapping[str, bytes], members: Sequence[Member]) -> dict[str, object]:
    body: dict[str, object] = {
        "format": FORMAT,
        "version": VERSION,
        "members": [{"model": member.model, "file": f"{WEIGHTS}{member.name}"} for member in members],
        "parts": [
            {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in parts.items()
        ],
    }
    return body | {"seal": digest_json(body)}
