"""What every error about a panel's files says to do."""

from __future__ import annotations

from pathlib import Path

from gogooku3.errors import PanelError

REBUILD = (
    "build the panel again: `gogooku3 build`, or scripts/data/precompute_arrow_cache.py for a single segment"
)


def damaged(where: Path, got: object, expected: object = None) -> PanelError:
    """Return the error for a file that is not what was written."""
    return PanelError("a panel file is damaged", where=where, got=got, expected=expected, remedy=REBUILD)
