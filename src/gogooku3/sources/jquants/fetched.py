"""What a fetch did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gogooku3.sources.jquants.corrections import Correction


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a fetch did.

    Attributes:
        folder: The store.
        first: The first day that was wanted.
        last: The last day that was wanted.
        sessions: Of the exchange between the two.
        days: Endpoint to the days that came new.
        missing: Endpoint to the sessions that have no rows yet; the next fetch asks for them again.
        corrections: Values of stored days that changed.
        skipped: Endpoint to why it was left out.
        requests: Made, failed ones included.
        clock_off: How far this computer's clock is behind the server's; None where it was not asked.
    """

    folder: Path
    first: dt.date
    last: dt.date
    sessions: tuple[dt.date, ...]
    days: Mapping[str, tuple[dt.date, ...]]
    missing: Mapping[str, tuple[dt.date, ...]]
    corrections: tuple[Correction, ...]
    skipped: Mapping[str, str]
    requests: int
    clock_off: dt.timedelta | None

    @property
    def changed(self) -> dict[str, tuple[dt.date, ...]]:
        """Endpoint to the stored days that changed, so that what was made of them is made anew."""
        found: dict[str, set[dt.date]] = {}
        for one in self.corrections:
            found.setdefault(one.endpoint, set()).add(one.day)
        return {name: tuple(sorted(days)) for name, days in found.items()}

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it; of days only the number and the last one."""
        return {
            "folder": str(self.folder),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "sessions": len(self.sessions),
            "days": {
                name: {"fetched": len(days), "last": days[-1].isoformat()}
                for name, days in self.days.items()
                if days
            },
            "missing": {
                name: [day.isoformat() for day in days] for name, days in self.missing.items() if days
            },
            "changed": {name: [day.isoformat() for day in days] for name, days in self.changed.items()},
            "corrections": len(self.corrections),
            "skipped": dict(self.skipped),
            "requests": self.requests,
            "clock_off_seconds": None if self.clock_off is None else round(self.clock_off.total_seconds()),
        }
