"""The rankings that were written for single sessions, read again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.errors import Gogooku3Error
from gogooku3.labels.target import Target
from gogooku3.storage.hashing import digest_file

_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-(.+)")
_SCORE = "score_"


@dataclass(frozen=True, eq=False, kw_only=True)
class LiveRanking:
    """A ranking of one session.

    Attributes:
        file: Where it was read from.
        model: What its file name says after the date, such as ``ridge`` or ``ridge-bundle``.
        session: The session.
        codes: Stocks, each once.
        scores: A score per target, float64 [R], NaN where none.
    """

    file: Path
    model: str
    session: date
    codes: tuple[str, ...]
    scores: dict[Target, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A file among the rankings that is none, and why."""

    file: Path
    reason: str


class Late(Unread):
    """A ranking that was made when a later session had ended: nobody could have traded on it."""


def read_rankings(files: Iterable[Path]) -> tuple[tuple[LiveRanking, ...], tuple[Unread, ...]]:
    """Read rankings in order of model and session; columns other than code, session and scores do not count.

    A ranking is live as far as the JSON file of the same name says so: one that calls itself historical is returned
    among those that do not count, as is one that has no JSON file, or that of another content.

    Args:
        files: Parquet files named ``<date>-<model>``. A column ``session``, where there is one, says which session
            is ranked.
    """
    rankings: dict[tuple[str, date], LiveRanking] = {}
    unread: list[Unread] = []
    for file in sorted(files):
        historical = _is_historical(file)
        if historical is True:
            unread.append(Late(file=file, reason="it was made when a later session had ended"))
            continue
        found = historical if isinstance(historical, str) else _read(file)
        if isinstance(found, LiveRanking):
            first = rankings.setdefault((found.model, found.session), found)
            if first is found:
                continue
            found = f"{first.file.name} ranks {found.session} by {found.model}, too"
        unread.append(Unread(file=file, reason=found))
    return tuple(rankings[key] for key in sorted(rankings)), tuple(unread)


def _is_historical(file: Path) -> bool | str:
    """Return what the JSON file beside a table says, or why it does not say it of this table."""
    beside = file.with_suffix(".json")
    try:
        said = json.loads(beside.read_text(encoding="utf-8"))
        historical, digest = said["historical"], said["files"][file.name]
    except FileNotFoundError:
        return f"there is no {beside.name} to say when it was made"
    except (KeyError, OSError, TypeError, ValueError):
        return f"{beside.name} does not say when it was made"
    if digest != digest_file(file):
        return f"{beside.name} is that of another ranking: the process that wrote them was ended in between"
    return bool(historical)


def _read(file: Path) -> LiveRanking | str:
    """Return a ranking, or why a file is none."""
    name = _NAME.fullmatch(file.stem)
    if name is None:
        return "its name is not that of a session and a model"
    try:
        frame = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        return f"it cannot be read: {error}"
    targets = _targets(frame.columns)
    if "code" not in frame.columns or not targets:
        return "it has no column code or no scores"
    codes = frame["code"].cast(pl.String)
    if codes.n_unique() != len(codes) or codes.has_nulls():
        return "a stock is in it twice, or has no code"
    session = _session(frame, name[1])
    if isinstance(session, str):
        return session
    return LiveRanking(
        file=file,
        model=name[2],
        session=session,
        codes=tuple(codes.to_list()),
        scores={t: frame[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for t, c in targets.items()},
    )


def _targets(columns: Iterable[str]) -> dict[Target, str]:
    found = {}
    for column in columns:
        if column.startswith(_SCORE):
            try:
                found[Target.parse(column.removeprefix(_SCORE))] = column
            except Gogooku3Error:
                continue  # a score of something else
    return found


def _session(frame: pl.DataFrame, named: str) -> date | str:
    """Return the session that a file ranks, or why it is not clear."""
    if "session" in frame.columns and frame.height:
        said = frame["session"].unique()
        values = {str(value)[:10] for value in said.to_list()}
        if len(values) > 1:
            return f"it ranks {len(values)} sessions"
        named = values.pop()
    try:
        return date.fromisoformat(named)
    except ValueError:
        return f"{named} is no date"
