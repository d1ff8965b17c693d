"""The ranking of a session, and how session and target are picked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gogooku3.errors import DataError, SettingsError
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.run_folder import Run
from gogooku3.storage.csv import write_csv
from gogooku3.storage.parquet import write_parquet


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranking:
    """A session's stocks, best first.

    Attributes:
        session: The session whose close the ranking knows, and nothing later.
        model: Model that ranks.
        fold: Fold whose models were used.
        trained_until: Last session they were fitted on, the year that chose their settings included.
        target: Target the table is sorted by.
        table: ``code``, ``name``, ``sector`` and score and rank per target.
        files: Where it was written.
    """

    session: date
    model: str
    fold: str
    trained_until: date
    target: Target
    table: pl.DataFrame
    files: tuple[Path, ...]


def pick_session(panel: Panel, session: date | None) -> int:
    """Return the index of a session with a universe; the last one if none is named.

    Raises:
        DataError: The panel has no such session, or no stock can be ranked on it.
    """
    ranked = np.flatnonzero(panel.universe.any(axis=1))
    if session is None:
        return int(ranked[-1])
    place = int(np.searchsorted(panel.sessions, np.datetime64(session)))
    if place not in ranked or panel.sessions[place] != np.datetime64(session):
        raise DataError(
            "a session cannot be ranked",
            got=session,
            expected=f"a session with bars from {panel.sessions[ranked[0]]} to {panel.sessions[ranked[-1]]}",
        )
    return place


def pick_targets(panel: Panel, name: str | None) -> list[Target]:
    """Return the target to sort by, then the others of its lag.

    The target is that of 5 sessions at the largest lag, or else the first of that lag, if none is named.

    Raises:
        SettingsError: The panel has no such target.
    """
    first = _target(panel, name)
    return [first, *(target for target in panel.targets if target.lag == first.lag and target != first)]


def date_of(panel: Panel, session: int) -> date:
    """Return the day of a session."""
    value: Any = panel.sessions[session].astype("datetime64[D]").item()
    found: date = value
    return found


def write_ranking(run: Run, table: pl.DataFrame, stem: str) -> tuple[Path, ...]:
    """Write a ranking as CSV and Parquet."""
    files = (run.path(f"rankings/{stem}.csv"), run.path(f"rankings/{stem}.parquet"))
    write_csv(table, files[0])
    write_parquet(table, files[1])
    return files


def _target(panel: Panel, name: str | None) -> Target:
    if name is not None:
        wanted = Target.parse(name)
        if wanted not in panel.targets:
            raise SettingsError(
                "a target is not of this run", got=name, expected=", ".join(map(str, panel.targets))
            )
        return wanted
    lag = max(target.lag for target in panel.targets)
    usual = Target(5, lag)
    return usual if usual in panel.targets else next(t for t in panel.targets if t.lag == lag)
