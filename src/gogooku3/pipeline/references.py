"""Published or earlier figures, read from a TOML table."""

from __future__ import annotations

import tomllib
from pathlib import Path

from gogooku3.errors import SettingsError
from gogooku3.evaluation.report.reference import Reference
from gogooku3.labels.target import Target

_KEYS = {"name", "model", "target", "rank_ic", "note"}


def read_references(path: Path) -> tuple[Reference, ...]:
    """Read ``[[reference]]`` tables with the keys name, model, target, rank_ic and note.

    Raises:
        SettingsError: The file cannot be read, or a table has other keys.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("reference", [])
    except (OSError, ValueError) as error:
        raise SettingsError("the table of references cannot be read", where=path, got=error) from error
    for number, table in enumerate(tables, 1):
        if set(table) != _KEYS:
            raise SettingsError(
                "a reference has other keys",
                where=f"{path}, reference {number}",
                got=", ".join(sorted(table)),
                expected=", ".join(sorted(_KEYS)),
            )
    return tuple(
        Reference(
            name=str(table["name"]),
            model=str(table["model"]),
            target=Target.parse(str(table["target"])),
            rank_ic=float(table["rank_ic"]),
            note=str(table["note"]),
        )
        for table in tables
    )
