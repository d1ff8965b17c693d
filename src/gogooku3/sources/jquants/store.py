"""The days that were fetched: one file for each, and an index that says which are whole."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from gogooku3.errors import StorageError
from gogooku3.sources.jquants.answer import schema
from gogooku3.sources.jquants.endpoints import Endpoint
from gogooku3.sources.jquants.entry import Entry, Part
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_file
from gogooku3.storage.parquet import write_parquet

_TRADED = ("O", "H", "L", "C", "Vo", "Va")
NO_TRADE = "bars_no_trade"
"""Where rows of bars without a trade are kept."""


class Store:
    """Days in ``folder/endpoint/YYYY-MM-DD.parquet``.

    A day is done when ``folder/index/endpoint-YYYY.json`` lists it, which is written after its files, so that a
    process that is killed leaves at most a file that counts as not there.

    Args:
        folder: Of the store; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries: dict[str, dict[dt.date, Entry]] = {}

    def entries(self, endpoint: Endpoint) -> Mapping[dt.date, Entry]:
        """Return the stored days of an endpoint; those whose files are gone are left out.

        Raises:
            StorageError: The index is damaged.
        """
        if endpoint.name not in self._entries:
            found = [
                entry
                for path in sorted((self.folder / "index").glob(f"{endpoint.name}-[0-9]*.json"))
                for entry in _entries_of(path)
            ]
            there = {
                f"{folder}/{path.name}"
                for folder in _folders(endpoint)
                for path in (self.folder / folder).glob("*.parquet")
            }
            self._entries[endpoint.name] = {one.day: one for one in found if set(one.files) <= there}
        return self._entries[endpoint.name]

    def read(self, endpoint: Endpoint, day: dt.date) -> pl.DataFrame:
        """Return a stored day as the server sent it, sorted by its key.

        Raises:
            StorageError: A file cannot be read.
        """
        names = self.entries(endpoint)[day].files
        tables = [_read(self.folder / name).select(list(endpoint.fields)) for name in names]
        if not tables:
            return pl.DataFrame(schema=schema(endpoint))
        return pl.concat(tables).sort(endpoint.day, *endpoint.key)

    def write(self, endpoint: Endpoint, day: dt.date, table: pl.DataFrame, now: dt.datetime) -> None:
        """Store a whole day in place of an earlier one.

        Raises:
            StorageError: It cannot be written; an earlier one is then there, or the day counts as not there.
        """
        files = {}
        for folder, part in parts(endpoint, table).items():
            name = f"{folder}/{day}.parquet"
            if part.is_empty():
                _remove(self.folder / name)
                continue
            write_parquet(part, self.folder / name)
            files[name] = Part(rows=part.height, sha256=digest_file(self.folder / name))
        self.note(endpoint, Entry(day=day, rows=table.height, files=files, fetched_at=now, checked_at=now))

    def note(self, endpoint: Endpoint, entry: Entry) -> None:
        """Write an entry of the index.

        Raises:
            StorageError: It cannot be written.
        """
        known = {**self.entries(endpoint), entry.day: entry}
        year = [known[day].plain() for day in sorted(known) if day.year == entry.day.year]
        write_json(self.folder / "index" / f"{endpoint.name}-{entry.day.year}.json", year)
        self._entries[endpoint.name] = known

    def table(self, endpoint: Endpoint) -> pl.DataFrame:
        """Return the one table of an endpoint that is fetched by range, empty where there is none.

        Raises:
            StorageError: It cannot be read.
        """
        path = self.folder / f"{endpoint.name}.parquet"
        return _read(path) if path.exists() else pl.DataFrame(schema=schema(endpoint))

    def checked(self, endpoint: Endpoint) -> dt.datetime | None:
        """Return when the one table of an endpoint was last fetched, UTC; None where it is not there.

        Raises:
            StorageError: The index is damaged.
        """
        path = self.folder / "index" / f"{endpoint.name}.json"
        if not path.exists() or not (self.folder / f"{endpoint.name}.parquet").exists():
            return None
        plain = _json(path)
        try:
            return dt.datetime.fromisoformat(plain["fetched_at"])
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, error) from error

    def write_range(self, endpoint: Endpoint, table: pl.DataFrame, now: dt.datetime) -> None:
        """Store the one table of an endpoint that is fetched by range.

        Raises:
            StorageError: It cannot be written.
        """
        self.write_table(endpoint.name, table)
        if table.height:
            digest = digest_file(self.folder / f"{endpoint.name}.parquet")
            entry = {"rows": table.height, "sha256": digest, "fetched_at": now.isoformat(timespec="seconds")}
            write_json(self.folder / "index" / f"{endpoint.name}.json", entry)

    def write_table(self, name: str, table: pl.DataFrame) -> None:
        """Write ``folder/name.parquet``, or remove it where the table is empty.

        Raises:
            StorageError: It cannot be written.
        """
        path = self.folder / f"{name}.parquet"
        if table.is_empty():
            _remove(path)
        else:
            write_parquet(table, path)


def parts(endpoint: Endpoint, table: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return folder to rows: a row of bars without a trade stands apart, unless its factor is that of a split.

    A bar without any price says only that nothing traded, which the absence of a row says, too; but a split on such a
    day has to stay in the chain of factors.
    """
    if endpoint.name != "bars_daily":
        return {endpoint.name: table}
    factor = pl.col("AdjFactor").fill_null(1.0)
    idle = pl.all_horizontal(pl.col(_TRADED).is_null()) & (factor == 1.0)
    kept = table.filter(~idle)
    if kept.height and (kept.get_column("AdjFactor") == 1.0).mean() == 0.0:
        return {
            endpoint.name: table,
            NO_TRADE: table.clear(),
        }  # a file of splits alone would be misread as cumulative
    return {endpoint.name: kept, NO_TRADE: table.filter(idle)}


def _folders(endpoint: Endpoint) -> tuple[str, ...]:
    return (endpoint.name, NO_TRADE) if endpoint.name == "bars_daily" else (endpoint.name,)


def _entries_of(path: Path) -> list[Entry]:
    return [Entry.of(one, path) for one in _json(path)]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> StorageError:
    return StorageError(
        "the index of the store is damaged",
        where=path,
        got=error,
        remedy="remove that file: its days are fetched again",
    )


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StorageError(
            "a stored file cannot be read",
            where=path,
            got=str(error).splitlines()[0],
            remedy="remove that file: it is fetched again",
        ) from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError("a file cannot be removed", where=path, got=error.strerror) from error
