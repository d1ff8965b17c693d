"""Finished pieces of an audit, kept so that an interrupted one goes on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gogooku3.audit.part import Part
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_json


class Ledger:
    """Parts by name, each valid for the inputs it was made from.

    Args:
        folder: Where the parts are kept.
        inputs: Everything that all parts depend on, as JSON.
    """

    def __init__(self, folder: Path, inputs: Mapping[str, Any]) -> None:
        self.folder, self.key = folder, digest_json(dict(inputs))

    def get(self, name: str, work: Callable[[], Part]) -> Part:
        """Return the part of that name, made by ``work`` if it is not there for the same inputs."""
        path = self.folder / f"{digest_json([self.key, name])[:32]}.json"
        known = self._read(path)
        if known is not None:
            return known
        began = time.perf_counter()
        part = replace(work(), seconds=round(time.perf_counter() - began, 3))
        write_json(path, {"key": self.key, "part": part.to_json()})
        return part

    def has(self, name: str) -> bool:
        """Whether a part is there for the same inputs."""
        return self._read(self.folder / f"{digest_json([self.key, name])[:32]}.json") is not None

    def sweep(self) -> None:
        """Remove parts that were made from other inputs."""
        for path in self.folder.glob("*.json"):
            if self._read(path) is None:
                path.unlink(missing_ok=True)

    def _read(self, path: Path) -> Part | None:
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            return Part.from_json(saved["part"]) if saved["key"] == self.key else None
        except (FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
            return None  # absent, interrupted or of another version: it is made again
