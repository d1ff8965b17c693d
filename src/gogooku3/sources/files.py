"""Bars from files."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gogooku3.errors import DataError
from gogooku3.market.bars import Bars, FileOrigin
from gogooku3.sources.adjustment import Plan, accumulate, as_factor, choose
from gogooku3.sources.aliases import BARS, SECTORS, best, match, require
from gogooku3.sources.cells import as_date, as_label, as_number, as_text, unparsed
from gogooku3.sources.listing import read_delistings, read_listing, read_others
from gogooku3.sources.settings import SourceSettings
from gogooku3.sources.tables import column_names, read_table, suffix_of
from gogooku3.storage.hashing import digest_file

_REQUIRED = ("date", "code", "open", "high", "low", "close", "volume")
_OPTIONAL = ("turnover", "adj_factor", "daily_factor", "sector")


class FileSource:
    """Bars from a Parquet file, a CSV file, or a folder with one such file per stock.

    Columns are known by many names (``aliases.py``), in upper or lower case. Codes stay text, so that
    ``01300`` and ``130A0`` keep every character; in a folder, a file without a code column is named by its
    code. How prices are adjusted follows from the columns (``adjustment.py``). A cell that is no date or
    number stays null and is listed in ``Bars.unparsed`` with file, row and text. No row is dropped here, but those of
    codes that the listing says are no stocks.

    Args:
        settings: Where the files are, and how their adjustment is understood.

    Raises:
        DataError: The settings name no file of bars.
    """

    def __init__(self, settings: SourceSettings) -> None:
        if settings.bars is None:
            raise DataError("no file of bars is named", where="source.bars", remedy="give --bars FILE")
        self.settings = settings
        self.bars = settings.bars

    def load(self) -> Bars:
        """Read all files.

        Raises:
            DataError: A file is missing, empty or no table; a column is missing or ambiguous.
            StorageError: A file cannot be read.
        """
        settings = self.settings
        parts = [self._read(path) for path in self._paths()]
        beside = [path for path in (settings.listing, settings.delistings) if path]
        lost = pl.concat([table for _, table in parts])
        others = read_others(settings.listing) if settings.listing else ()
        is_other = pl.col("code").is_in(list(others))
        frame = pl.concat([frame for frame, _ in parts], how="diagonal")
        left_out = tuple(frame.filter(is_other).get_column("code").unique().sort())
        frame = frame.filter(~is_other.fill_null(value=False)) if left_out else frame
        ended = read_delistings(settings.delistings) if settings.delistings else None
        return Bars(
            frame=accumulate(frame, str(self.bars)),
            chained="daily_factor" in frame.columns,
            listing=read_listing(settings.listing) if settings.listing else None,
            delistings=ended if ended is None else ended.filter(~is_other),
            others=left_out,
            files=tuple(
                FileOrigin(path=path, sha256=digest_file(path)) for path in [*self._paths(), *beside]
            ),
            unparsed=lost if lost.height else None,
        )

    def _paths(self) -> list[Path]:
        place = self.bars
        if not place.is_dir():
            return [place]
        files = [path for path in sorted(place.glob(self.settings.pattern)) if path.is_file()]
        tables = [path for path in files if suffix_of(path) and not path.name.startswith(".")]
        if not tables:
            raise DataError(
                "the folder holds no bars",
                where=place,
                got=f"{len(files)} files that match {self.settings.pattern}",
                expected="files that end in .parquet, .csv or .csv.gz",
            )
        return tables

    def _read(self, path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the canonical bars of one file, and its unreadable cells."""
        where = str(path)
        columns = column_names(path)
        found = match(columns, BARS, where)
        plan = choose(found, self.settings.adjustment, where)
        stem = _code_of(path) if self.bars.is_dir() and "code" not in found else None
        have: dict[str, str] = {name: name for name in ("date", "code") if name in found} | dict(plan.columns)
        wanted = [name for name in _REQUIRED if not (name == "code" and stem)]
        require(have, wanted, columns, BARS, where)
        sector = best(columns, SECTORS)
        source = {name: found[matched] for name, matched in have.items()}
        source |= {"turnover": found["turnover"]} if "turnover" in found else {}
        source |= {"factor": found[plan.factor]} if plan.factor else {}
        source |= {"sector": sector} if sector else {}
        raw = read_table(path, list(dict.fromkeys(source.values())))
        return self._canonical(raw, source, plan, path, stem)

    def _canonical(
        self, raw: pl.DataFrame, source: dict[str, str], plan: Plan, path: Path, stem: str | None
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        parsed: list[pl.Series] = []
        lost: list[pl.DataFrame] = []
        for name, column in source.items():
            cells = raw.get_column(column)
            values = _parse(name, cells, str(path)).alias(name)
            parsed.append(values)
            if name not in {"code", "sector"}:
                lost.append(unparsed(cells, values, "adj_factor" if name == "factor" else name))
        frame = pl.DataFrame(parsed).with_row_index("source_row", offset=1)
        if stem is not None:
            frame = frame.with_columns(pl.lit(stem).alias("code"))
        if plan.factor:
            frame = as_factor(frame, plan.way, str(path))
        named = pl.lit(path.name).cast(pl.Categorical).alias("source_file")
        optional = [name for name in _OPTIONAL if name in frame.columns]
        table = pl.concat(lost).select(
            pl.lit(path.name).alias("source_file"), "source_row", "column", "value"
        )
        return frame.select(*_REQUIRED, *optional, named, "source_row"), table


def read_bars(bars: Path, *, listing: Path | None = None, delistings: Path | None = None) -> Bars:
    """Read bars from a file or a folder; see ``FileSource``.

    Raises:
        DataError: A file is missing, empty or no table; a column is missing or ambiguous.
        StorageError: A file cannot be read.
    """
    return FileSource(SourceSettings(bars=bars, listing=listing, delistings=delistings)).load()


def _parse(name: str, cells: pl.Series, where: str) -> pl.Series:
    if name == "date":
        return as_date(cells, where)
    if name == "code":
        return as_text(cells, where)
    if name == "sector":
        return as_label(cells, where)
    return as_number(cells, where)


def _code_of(path: Path) -> str:
    suffix = suffix_of(path)
    return path.name[: -len(suffix)] if suffix else path.name
