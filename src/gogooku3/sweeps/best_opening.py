"""The sessions that no trial saw are opened for one point of a search, and for no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gogooku3.errors import ModelError, StorageError
from gogooku3.storage.atomic import write_json

POINT = "point.json"
_OPENINGS, _FOUND = "openings.jsonl", "found"


def what_was_found(folder: Path, point: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the locked sessions showed when they were opened for a point; None if they have yet to be.

    Args:
        folder: Folder of the best point's run.
        point: Trial, parameters, epochs and seeds, as plain data.

    Raises:
        ModelError: They were opened for another point, or nobody wrote down for which.
        StorageError: What was written down cannot be read.
    """
    if not (folder / _OPENINGS).is_file():
        return None
    before = _read(folder / POINT)
    differ = sorted(key for key in point if before.get(key) != point[key])
    if differ:
        raise ModelError(
            "the locked sessions were opened for another point of this search, and are opened once",
            where=folder / _OPENINGS,
            got={key: point[key] for key in differ},
            expected={key: before.get(key, "not written down") for key in differ},
            remedy="measure the new point on sessions that come after them; what was found is in that folder",
        )
    found: dict[str, Any] | None = before.get(_FOUND)
    return found


def write_point(folder: Path, point: Mapping[str, Any], found: Mapping[str, Any] | None = None) -> None:
    """Write down for which point the sessions are opened, and afterwards what they showed.

    Raises:
        StorageError: The file cannot be written.
    """
    write_json(folder / POINT, dict(point) | ({} if found is None else {_FOUND: dict(found)}))


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError(
            "it cannot be read for which point the locked sessions were opened", where=path, got=error
        ) from error
    return found
