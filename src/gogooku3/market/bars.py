"""Bars as a source delivers them, before they are validated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True, kw_only=True)
class FileOrigin:
    """A file that bars came from, for lineage."""

    path: Path
    sha256: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Bars:
    """Daily bars in long form with canonical names, nothing checked yet beyond names and types.

    Attributes:
        frame: Columns ``date`` (Date), ``code`` (String), ``open``, ``high``, ``low``, ``close``, ``volume``
            (Float64); optionally ``turnover`` and ``adj_factor`` (Float64; cumulative, so that
            close x adj_factor is the total-return price) and ``sector`` (String). ``source_row`` (UInt32) is
            the 1-based row of the source file below a header, ``source_file`` (Categorical or String) its
            name; where they are absent, rows are counted through the table.
        listing: Columns ``code``, ``name``, ``sector`` (String), one row a code; None where not given.
        delistings: Columns ``code`` (String), ``last_session`` (Date), ``terminal_return`` (Float64, null
            where unknown); None where not given.
        files: Where the bars came from; empty for a simulated market.
        chained: True where each code's ``adj_factor`` starts from 1 at its first row, being the running product of
            per-day factors; rows that go on from earlier ones then take those rows' factor along.
        others: Codes whose bars were left out, since the listing says that they are no stocks.
        unparsed: Cells whose text is no date or number, null in ``frame``: ``source_file`` (String),
            ``source_row`` (UInt32), ``column`` (canonical name) and ``value`` (String); None without any.
    """

    frame: pl.DataFrame
    listing: pl.DataFrame | None = None
    delistings: pl.DataFrame | None = None
    files: tuple[FileOrigin, ...] = ()
    unparsed: pl.DataFrame | None = None
    chained: bool = False
    others: tuple[str, ...] = ()
