"""What the server says differently from before."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gogooku3.errors import StorageError
from gogooku3.sources.jquants.endpoints import Endpoint
from gogooku3.storage.atomic import write_text

_FILE = "corrections.jsonl"
_PRESENT = "row"


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One value that changed after it had been stored.

    Attributes:
        endpoint: Its name.
        day: The stored day.
        code: The stock, sector or index; empty where there is none.
        key: What names the row within the day.
        field: Which field; ``row`` where the row itself came (new is True) or went (old is True).
        old: Before.
        new: Now.
        found_at: When it was found, UTC.
    """

    endpoint: str
    day: dt.date
    code: str
    key: str
    field: str
    old: object
    new: object
    found_at: dt.datetime


def compare(
    endpoint: Endpoint,
    day: dt.date,
    old: pl.DataFrame,
    new: pl.DataFrame,
    *,
    unsaid: Collection[str] = (),
    now: dt.datetime,
) -> list[Correction]:
    """Return what differs between two versions of a day, by key and field.

    Args:
        endpoint: What the tables are.
        day: Of which day.
        old: As stored.
        new: As fetched again.
        unsaid: Fields that the server no longer sends, which is no correction.
        now: The moment it was found.
    """
    key = list(endpoint.key)
    code = "Code" if "Code" in endpoint.fields else key[0]
    was, is_ = _keyed(old, key), _keyed(new, key)
    fields = [name for name in endpoint.fields if name not in {*key, *unsaid}]
    found = []
    for one in sorted(was.keys() | is_.keys()):
        before, after = was.get(one), is_.get(one)
        named = str((after or before or {}).get(code) or "")
        pairs = (
            [(_PRESENT, before is not None, after is not None)]
            if before is None or after is None
            else [(name, before[name], after[name]) for name in fields if before[name] != after[name]]
        )
        found += [
            Correction(
                endpoint=endpoint.name,
                day=day,
                code=named,
                key=" ".join(one),
                field=name,
                old=_plain(left),
                new=_plain(right),
                found_at=now,
            )
            for name, left, right in pairs
        ]
    return found


def append_corrections(folder: Path, found: Iterable[Correction]) -> None:
    """Add to ``corrections.jsonl`` of a store.

    Raises:
        StorageError: It cannot be read or written.
    """
    lines = [json.dumps(asdict(one), ensure_ascii=False, default=str) for one in found]
    if lines:
        write_text(folder / _FILE, _text(folder) + "\n".join(lines) + "\n")


def read_corrections(folder: Path, *, since: dt.datetime | None = None) -> list[Correction]:
    """Return the corrections that a store has seen, oldest first.

    Args:
        folder: Of the store.
        since: Only those found at that moment or later.

    Raises:
        StorageError: The file cannot be read.
    """
    try:
        plain = [json.loads(line) for line in _text(folder).splitlines()]
        found = [
            Correction(
                **one
                | {
                    "day": dt.date.fromisoformat(one["day"]),
                    "found_at": dt.datetime.fromisoformat(one["found_at"]),
                }
            )
            for one in plain
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError("the corrections cannot be read", where=folder / _FILE, got=error) from error
    return [one for one in found if since is None or one.found_at >= since]


def _text(folder: Path) -> str:
    path = folder / _FILE
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, ValueError) as error:
        raise StorageError("the corrections cannot be read", where=path, got=error) from error


def _keyed(table: pl.DataFrame, key: list[str]) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(str(row[name]) for name in key): row for row in table.iter_rows(named=True)}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value
