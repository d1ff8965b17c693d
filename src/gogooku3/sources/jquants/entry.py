"""What the store knows of one stored day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gogooku3.errors import StorageError


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a day.

    Attributes:
        rows: In it.
        sha256: Of its bytes.
    """

    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A day that was fetched whole.

    Attributes:
        day: The day.
        rows: The server sent.
        files: Name below the store's folder to the file; empty where the day has no rows.
        fetched_at: When these rows were fetched, UTC.
        checked_at: When the server was last asked whether they still hold, UTC.
    """

    day: dt.date
    rows: int
    files: Mapping[str, Part]
    fetched_at: dt.datetime
    checked_at: dt.datetime

    def plain(self) -> dict[str, Any]:
        """Return the entry as JSON has it."""
        return {
            "day": self.day.isoformat(),
            "rows": self.rows,
            "files": {name: {"rows": part.rows, "sha256": part.sha256} for name, part in self.files.items()},
            "fetched_at": self.fetched_at.isoformat(timespec="seconds"),
            "checked_at": self.checked_at.isoformat(timespec="seconds"),
        }

    @classmethod
    def of(cls, plain: Any, where: object) -> Entry:
        """Return the entry that `plain` gave.

        Raises:
            StorageError: It is none.
        """
        try:
            return cls(
                day=dt.date.fromisoformat(plain["day"]),
                rows=int(plain["rows"]),
                files={name: Part(**part) for name, part in plain["files"].items()},
                fetched_at=dt.datetime.fromisoformat(plain["fetched_at"]),
                checked_at=dt.datetime.fromisoformat(plain["checked_at"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StorageError(
                "the index of the store is damaged",
                where=where,
                got=error,
                remedy="remove that file: its days are fetched again",
            ) from error
