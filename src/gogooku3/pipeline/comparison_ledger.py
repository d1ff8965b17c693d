"""Comparisons that were made, each in a file that is named by what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gogooku3.errors import StorageError
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_file, digest_json
from gogooku3.storage.paths import inside

FOLDER = "comparisons"
FORMAT = "gogooku3-comparison"
VERSION = 1
_LEAST_DIGITS = 6


@dataclass(frozen=True, eq=False, kw_only=True)
class Entry:
    """A comparison in the ledger.

    Attributes:
        path: Its file.
        content: Contestants with the digests of their inputs, designs, results, digest of the code.
    """

    path: Path
    content: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the content, by which it is cited."""
        return self.path.stem


def enter(runs: Path, content: Mapping[str, Any]) -> Entry:
    """Add a comparison to the ledger of a folder of runs; the same content has the same name.

    Raises:
        StorageError: The folder cannot be written.
    """
    path = runs / FOLDER / f"{digest_json(dict(content))}.json"
    if not path.is_file():
        write_json(path, dict(content))
    return find(runs, path.stem)


def find(runs: Path, digits: str) -> Entry:
    """Return the comparison whose digest begins with ``digits``.

    Raises:
        StorageError: There is none or more than one, or its file is not what was written.
    """
    folder = runs / FOLDER
    usable = len(digits) >= _LEAST_DIGITS and not set(digits.lower()) - set("0123456789abcdef")
    found = sorted(folder.glob(f"{digits.lower()}*.json")) if usable else []
    if len(found) != 1:
        raise StorageError(
            "there is no such comparison" if not found else "a comparison's digits are not enough",
            where=folder,
            got=digits,
            expected=f"the first {_LEAST_DIGITS} or more hex digits of one"
            + (f": {', '.join(path.stem[:16] for path in found)}" if found else ""),
        )
    try:
        content = json.loads(found[0].read_text(encoding="utf-8"))
        sound = digest_json(content) == found[0].stem and content["format"] == FORMAT
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise StorageError("a comparison cannot be read", where=found[0], got=error) from error
    if not sound:
        raise StorageError(
            "a comparison was changed after it was written",
            where=found[0],
            got="content that does not fit its name",
        )
    if content["version"] != VERSION:
        raise StorageError(
            "a comparison is of another version", where=found[0], got=content["version"], expected=VERSION
        )
    return Entry(path=found[0], content=content)


def input_states(runs: Path, content: Mapping[str, Any]) -> dict[str, str]:
    """Say of each contestant whether the files of scores that were compared are ``unchanged``, ``changed`` or ``gone``.

    Args:
        runs: Folder of runs.
        content: Of an entry.
    """
    return {side["label"]: _state(inside(runs, side["run"]), side) for side in content["contestants"]}


def _state(run: Path, side: Mapping[str, Any]) -> str:
    files = {
        run / f"predictions/{side['model']}-{fold}.parquet": known["scores"]
        for fold, known in side["folds"].items()
    }
    if not all(path.is_file() for path in files):
        return "gone"
    return "unchanged" if all(digest_file(path) == known for path, known in files.items()) else "changed"
