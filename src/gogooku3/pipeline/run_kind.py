"""Folders that hold something else than a run of our own say so."""

from __future__ import annotations

from pathlib import Path

from gogooku3.errors import SettingsError

FOREIGN = "foreign.json"
"""In the folder of judged scores of another tool."""


def refuse_foreign(folder: Path) -> None:
    """Refuse to take judged scores of another tool for a run.

    Raises:
        SettingsError: The folder holds such scores.
    """
    if (folder / FOREIGN).is_file():
        raise SettingsError(
            "this is no run of ours: it holds the evaluation of another tool's scores",
            where=folder,
            expected="a run that was built and trained here",
            remedy=f"`gogooku3 evaluate --predictions FILE --bars BARS --name {folder.name}` judges such scores "
            "again; everything else needs another --name",
        )
