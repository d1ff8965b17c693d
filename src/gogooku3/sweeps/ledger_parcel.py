"""A line of the ledger with its series as plain data, for the study's database: other machines have other folders."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from gogooku3.errors import StorageError
from gogooku3.storage.atomic import atomic_path
from gogooku3.storage.paths import inside
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_entry import LedgerEntry


def pack(ledger: Ledger, entry: LedgerEntry) -> dict[str, Any]:
    """Return an entry and its series.

    Raises:
        StorageError: The series is absent or not what was written.
    """
    series = None if entry.series is None else ledger.bytes_of(entry.series)
    return {
        "line": entry.to_line().decode(),
        "series": None if series is None else base64.b64encode(series).decode(),
    }


def unpack(ledger: Ledger, parcel: Mapping[str, Any]) -> None:
    """Add what another machine packed to a ledger.

    Raises:
        StorageError: It is not what was packed, or cannot be written.
    """
    try:
        entry = LedgerEntry.from_line(parcel["line"].encode())
        series = None if parcel["series"] is None else base64.b64decode(parcel["series"])
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise StorageError(
            "what another machine told of a trial is damaged", where=ledger.path, got=error
        ) from error
    if entry.series is not None and series is not None:
        with atomic_path(inside(ledger.folder, entry.series.name)) as partial:
            partial.write_bytes(series)
    ledger.append(entry)
