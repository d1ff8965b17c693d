"""Which code, packages and machine made a result."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

_PACKAGES = ("lightgbm", "numba", "numpy", "polars", "pyarrow", "scipy")


def code_digest(rooms: Iterable[str]) -> str:
    """Return a digest of the source files of rooms, so that changed code makes its results anew."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """Return versions of Python, the package and what computes for it, and the machine's kind."""
    versions = {name: metadata.version(name) for name in ("gogooku3", *_PACKAGES)}
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        **versions,
    }
