"""Whether what is published about stocks came in time: it holds for weeks, so a ranking would go on without it."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogooku3.errors import StorageError
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.published import published_places
from gogooku3.pipeline.run_folder import Run
from gogooku3.sources.jquants.fetched import Fetched

_OLDEST = {"statements": 30, "margin": 12, "short_selling": 3}
"""Sessions after which the newest value of a family is said to be old: a holiday, a balance or two, and no more."""
_ENDPOINTS = {"statements": "statements", "margin": "margin_interest", "short_selling": "short_ratio"}
_LATE = 3
"""Sessions after which a day that has no rows yet is said to be missing."""


def old_published(run: Run, panel: Panel, day: int) -> list[str]:
    """Return a sentence for each family whose newest value, as known at a session, is old.

    Args:
        run: The run, whose ``published`` holds what the panel's features were made of.
        panel: The panel.
        day: Index of the session.

    Raises:
        StorageError: What was published cannot be read.
    """
    session = panel.sessions[day]
    found = []
    for family in published_places(run.settings.source):
        path = run.path(f"published/{family}.parquet")
        if not path.is_file():
            continue
        try:
            days = pl.read_parquet(path, columns=["session"])["session"]
        except (OSError, pl.exceptions.PolarsError) as error:
            raise StorageError("what was published cannot be read", where=path, got=error) from error
        public = np.sort(days.filter(days <= session.item()).to_numpy().astype("datetime64[D]"))
        known = int(np.searchsorted(panel.sessions, public[-1], side="right")) if len(public) else 0
        since = day + 1 - known
        if since > _OLDEST[family]:
            newest = (
                f"the newest is of {public[-1]}, {since} sessions before" if len(public) else "there is none"
            )
            found.append(f"{_named(family)}: old; of those that count by {session} {newest}")
    return found


def unfetched(run: Run, fetched: Fetched) -> list[str]:
    """Return a sentence for each table of the run that a fetch left out, or that has no rows of days long past."""
    found = []
    for family in published_places(run.settings.source):
        name = _ENDPOINTS[family]
        if name in fetched.skipped:
            found.append(f"{_named(family)}: not fetched; {fetched.skipped[name]}")
        past = [
            day for day in fetched.missing.get(name, ()) if sum(one > day for one in fetched.sessions) > _LATE
        ]
        if past and family != "statements":  # there are days on which nobody reports
            found.append(
                f"{_named(family)}: the server has nothing for {len(past)} days, {past[0]} to {past[-1]}"
            )
    return found


def _named(family: str) -> str:
    return family.replace("_", " ")
