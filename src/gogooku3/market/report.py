"""What validation found, for people, for files and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from gogooku3.market.faults import Action, Fault, action_of


@dataclass(frozen=True, kw_only=True)
class FaultExample:
    """One fault, with the place where it can be looked up.

    Attributes:
        fault: Its class.
        file: Source file.
        row: Row of that file, counted from 1 below a header.
        column: Canonical name of the column.
        value: What was found there, as text.
    """

    fault: Fault
    file: str
    row: int
    column: str
    value: str | None


@dataclass(frozen=True, kw_only=True)
class Jump:
    """A total return over one bar that is hard to believe.

    Attributes:
        code: Stock.
        session: Session the bar belongs to.
        ratio: Gross total return from the stock's previous bar.
        broken: True where the link is not trusted, so that no feature and no label crosses it.
    """

    code: str
    session: date
    ratio: float
    broken: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class ValidationReport:
    """What was read, what was found and what was done about it.

    Attributes:
        rows_read: Rows of the source.
        rows_kept: Rows that became bars of the market.
        counts: Faulty cells (or rows, for faults of whole rows) per class; classes without one are absent.
        examples: The first few faults of each class, by file and row.
        missing_sessions: Sessions of the calendar, first to last bar, of which the source has no row.
        all_null_days: Dates of the source on which no stock has a price.
        jumps: Total returns that are broken or suspicious, by session and code.
        lost_codes: Codes of the source of which no row was kept.
        ended: Codes taken as ended because their bars stop before the data does; their terminal return is
            the rule's.
        unlisted_delistings: Codes of the table of delistings that the bars do not have.
        quarantine: Every faulty row in full, once per fault, with ``fault``, ``action`` (row or cell),
            ``column`` and ``value`` beside it.
    """

    rows_read: int
    rows_kept: int
    counts: Mapping[Fault, int]
    examples: tuple[FaultExample, ...]
    missing_sessions: tuple[date, ...]
    all_null_days: tuple[date, ...]
    jumps: tuple[Jump, ...]
    lost_codes: tuple[str, ...]
    ended: tuple[str, ...]
    unlisted_delistings: tuple[str, ...]
    quarantine: pl.DataFrame

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values; the quarantined rows are a file of their own."""
        return {
            "rows_read": self.rows_read,
            "rows_kept": self.rows_kept,
            "rows_quarantined": self.rows_read - self.rows_kept,
            "counts": {str(fault): count for fault, count in self.counts.items()},
            "examples": [
                {"fault": str(e.fault), "file": e.file, "row": e.row, "column": e.column, "value": e.value}
                for e in self.examples
            ],
            "missing_sessions": [day.isoformat() for day in self.missing_sessions],
            "all_null_days": [day.isoformat() for day in self.all_null_days],
            "jumps": [
                {"code": j.code, "session": j.session.isoformat(), "ratio": j.ratio, "broken": j.broken}
                for j in self.jumps
            ],
            "lost_codes": list(self.lost_codes),
            "ended": list(self.ended),
            "unlisted_delistings": list(self.unlisted_delistings),
        }

    def lines(self) -> list[str]:
        """Return the report as sentences, most important first."""
        kept = f"{self.rows_kept:,} of {self.rows_read:,} rows are bars"
        text = [kept if self.rows_kept < self.rows_read else f"all {self.rows_read:,} rows are bars"]
        for fault, count in self.counts.items():
            example = next(e for e in self.examples if e.fault is fault)
            done = {Action.ROW: "row set aside", Action.CELL: "value set aside", Action.NOTE: "kept"}
            value = "null" if example.value is None else example.value
            place = f"{example.file} row {example.row}, {example.column} = {value}"
            text.append(f"{fault}: {count:,} ({done[action_of(fault, example.column)]}; such as {place})")
        broken = sum(jump.broken for jump in self.jumps)
        if self.jumps:
            text.append(f"jumps: {len(self.jumps):,} listed, {broken:,} of them break the link")
        named = (
            ("sessions the source lacks", [day.isoformat() for day in self.missing_sessions]),
            ("days without any price", [day.isoformat() for day in self.all_null_days]),
            ("codes without any usable row", list(self.lost_codes)),
            ("codes taken as ended", list(self.ended)),
            ("delistings of unknown codes", list(self.unlisted_delistings)),
        )
        text += [f"{label}: {len(names)} ({_some(names)})" for label, names in named if names]
        return text


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
