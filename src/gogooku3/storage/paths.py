"""Configured names stay inside the folder they were meant for."""

from __future__ import annotations

from pathlib import Path

from gogooku3.errors import StorageError


def inside(root: Path, name: str | Path) -> Path:
    """Return ``root / name``, refusing a name that leaves ``root``.

    Raises:
        StorageError: ``name`` is absolute, climbs out with ``..``, points out through a link or is no path.
    """
    base = root.resolve()
    try:
        path = (base / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null byte
        raise StorageError(
            "a name is no path", where=root, got=repr(name), remedy="give a plain name"
        ) from error
    if path == base or base not in path.parents:
        raise StorageError(
            "a path leaves the folder it belongs to",
            where=root,
            got=name,
            expected="a relative name below that folder",
            remedy="remove '..' and absolute parts from the name",
        )
    return path
