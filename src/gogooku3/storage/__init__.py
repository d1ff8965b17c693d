"""How files come to be: atomically, named by content, inside a checked folder."""

from gogooku3.storage.atomic import atomic_path, write_json, write_text
from gogooku3.storage.content import StoredFile, store, sweep
from gogooku3.storage.hashing import digest_file, digest_json
from gogooku3.storage.manifest import MANIFEST_NAME, Manifest
from gogooku3.storage.paths import inside

__all__ = [
    "MANIFEST_NAME",
    "Manifest",
    "StoredFile",
    "atomic_path",
    "digest_file",
    "digest_json",
    "inside",
    "store",
    "sweep",
    "write_json",
    "write_text",
]
