"""What a run's files publish about stocks beside their bars, and what of it changed since the panel was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from gogooku3.errors import DataError, StorageError
from gogooku3.features.known import Known
from gogooku3.features.margin import known_margin
from gogooku3.features.short_selling import known_short_selling
from gogooku3.features.statements import known_statements
from gogooku3.pipeline.run_folder import Run
from gogooku3.sources.filings import filing_files, read_margin, read_short_selling, read_statements
from gogooku3.sources.settings import SourceSettings
from gogooku3.storage.parquet import write_parquet

_READERS: Mapping[str, tuple[Callable[[Path], pl.DataFrame], Callable[[pl.DataFrame, str], Known]]] = {
    "statements": (read_statements, known_statements),
    "margin": (read_margin, known_margin),
    "short_selling": (read_short_selling, known_short_selling),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Published:
    """What was published.

    Attributes:
        known: One family after the other.
        unadjusted: Whether the bars' prices and volumes are those of their day.
    """

    known: tuple[Known, ...]
    unadjusted: bool


NOTHING = Published(known=(), unadjusted=False)


def published_places(source: SourceSettings) -> dict[str, Path]:
    """Return where each family lies, of those that are given."""
    given = {"statements": source.statements, "margin": source.margin, "short_selling": source.short_selling}
    return {family: place for family, place in given.items() if place is not None}


def published_files(source: SourceSettings) -> list[Path]:
    """Return all files of what is published.

    Raises:
        DataError: A folder holds no table.
    """
    return [path for place in published_places(source).values() for path in filing_files(place)]


def read_tables(run: Run, family: str) -> pl.DataFrame:
    """Return what the run's files publish of a family, as they say it.

    Raises:
        DataError: A file is no table, lacks a column, or holds a cell that cannot be read.
    """
    return _READERS[family][0](published_places(run.settings.source)[family])


def read_published(run: Run, *, unadjusted: bool) -> Published:
    """Read what the run's files publish.

    Args:
        run: The run.
        unadjusted: Whether the bars' prices and volumes are those of their day.

    Raises:
        DataError: A file is no table, lacks a column, or holds a cell that cannot be read.
    """
    known = []
    for family in published_places(run.settings.source):
        run.progress.note(f"reading {family.replace('_', ' ')}")
        known.append(_READERS[family][1](read_tables(run, family), run.settings.market.calendar))
    return Published(known=tuple(known), unadjusted=unadjusted)


def keep_published(run: Run, published: Published) -> None:
    """Keep beside the panel what its features were made of.

    Raises:
        StorageError: It cannot be written.
    """
    for one in published.known:
        write_parquet(one.frame, _kept(run, one.family))


def first_change(run: Run, published: Published) -> date | None:
    """Return the first session on which something is known otherwise than when the panel was written; None if none.

    Raises:
        StorageError: What was kept cannot be read.
        DataError: The panel was built without a family that is given now.
    """
    firsts = [_first_change(run, one) for one in published.known]
    return min((first for first in firsts if first is not None), default=None)


def _first_change(run: Run, now: Known) -> date | None:
    path = _kept(run, now.family)
    if not path.is_file():
        raise DataError(
            "the panel was built without what is published now",
            where=run.path("panel"),
            got=now.family,
            remedy="`gogooku3 build` anew",
        )
    try:
        then = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StorageError("what was published cannot be read", where=path, got=error) from error
    columns = now.frame.columns
    gone = then.join(now.frame, on=columns, how="anti", nulls_equal=True)
    come = now.frame.join(then, on=columns, how="anti", nulls_equal=True)
    first: date | None = pl.concat([gone.select("session"), come.select("session")])["session"].min()  # type: ignore[assignment]
    return first


def _kept(run: Run, family: str) -> Path:
    return run.path(f"published/{family}.parquet")
