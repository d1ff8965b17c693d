"""The ranking of a session, and how session and target are picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gogooku3.errors import DataError, SettingsError
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.trading import Trading
from gogooku3.storage.atomic import write_json
from gogooku3.storage.csv import write_csv
from gogooku3.storage.hashing import digest_file
from gogooku3.storage.parquet import write_parquet

HISTORICAL = "-historical"
"""End of the name of a ranking that was made when a later session had ended, so that it never replaces a live one."""


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
        header: What the JSON file says beside the ranking.
        trading: Orders, if they were asked for.
    """

    session: date
    model: str
    fold: str
    trained_until: date
    target: Target
    table: pl.DataFrame
    files: tuple[Path, ...]
    header: Mapping[str, Any] = field(default_factory=dict)
    trading: Trading | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody who trades on it should know."""
        return tuple(self.header.get("warnings", ()))


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


def write_ranking(run: Run, ranking: Ranking, stem: str) -> Ranking:
    """Write a ranking as CSV, Parquet and JSON, and its trades as CSV; each file whole or not at all.

    The JSON file is the last and holds digests of the others, so that files of two rankings are told apart even if
    the process is killed between them.
    """
    names = {kind: run.path(f"rankings/{stem}.{kind}") for kind in ("csv", "parquet", "json")}
    write_csv(ranking.table, names["csv"])
    write_parquet(ranking.table, names["parquet"])
    tables = [names["csv"], names["parquet"]]
    trades = run.path(f"rankings/{stem}-trades.csv")
    if ranking.trading is not None:
        tables.append(trades)
        write_csv(ranking.trading.orders.table, trades)
    write_json(
        names["json"],
        {
            **ranking.header,
            "files": {path.name: digest_file(path) for path in tables},
            "ranking": ranking.table.to_dicts(),
            "orders": None if ranking.trading is None else ranking.trading.to_json(),
        },
    )
    if ranking.trading is None:
        trades.unlink(missing_ok=True)  # those of an earlier call, which led to another ranking
    return replace(ranking, files=(*tables[:2], names["json"], *tables[2:]))


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
