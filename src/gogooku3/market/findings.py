"""Where each fault of a table of bars is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from gogooku3.market.faults import Action, Fault, action_of, cells_of
from gogooku3.market.report import FaultExample
from gogooku3.market.rules import Rule


@dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """The rows of one fault in one column.

    Attributes:
        fault: Class of fault.
        column: Column it was found in.
        rows: Indices into the table, int64, increasing.
        values: The source's own text where the table could not hold it, aligned with ``rows``.
    """

    fault: Fault
    column: str
    rows: np.ndarray
    values: tuple[str, ...] | None = None

    @property
    def action(self) -> Action:
        """How far the fault reaches."""
        return action_of(self.fault, self.column)


@dataclass(eq=False)
class Findings:
    """All faults of one table of bars."""

    frame: pl.DataFrame
    found: list[Finding] = field(default_factory=list)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def add(self, finding: Finding) -> None:
        """Record a finding that has rows."""
        if finding.rows.size:
            self.found.append(finding)

    def apply(self, rules: Iterable[Rule]) -> None:
        """Evaluate rules in one pass; a cell already recorded as unparsable is not counted again as null."""
        rules = list(rules)
        flags = self.frame.select(
            rule.broken.fill_null(value=False).alias(str(place)) for place, rule in enumerate(rules)
        )
        unparsable = {f.column: f.rows for f in self.found if f.fault is Fault.UNPARSABLE}
        for place, rule in enumerate(rules):
            rows = flags.to_series(place).arg_true().to_numpy().astype(np.int64)
            if rule.column in unparsable and rows.size:
                rows = np.setdiff1d(rows, unparsable[rule.column])
            self.add(Finding(fault=rule.fault, column=rule.column, rows=rows))

    def removed(self) -> np.ndarray:
        """Return true for the rows that are no bars, bool [R]."""
        gone = np.zeros(self.frame.height, dtype=bool)
        for finding in self.found:
            if finding.action is Action.ROW:
                gone[finding.rows] = True
        return gone

    def sound(self) -> pl.DataFrame:
        """Return the bars with faulty cells null and faulty rows removed."""
        masks: dict[str, np.ndarray] = {}
        for finding in self.found:
            if finding.action is Action.CELL:
                for column in cells_of(finding.fault, finding.column):
                    masks.setdefault(column, np.zeros(self.frame.height, dtype=bool))[finding.rows] = True
        cells = [
            pl.when(pl.lit(pl.Series(mask))).then(None).otherwise(pl.col(column)).alias(column)
            for column, mask in masks.items()
        ]
        return self.frame.with_columns(cells).filter(~self.removed())

    def counts(self) -> dict[Fault, int]:
        """Return the number of faults per class, in the order of the classes."""
        total: dict[Fault, int] = {}
        for finding in self.found:
            total[finding.fault] = total.get(finding.fault, 0) + finding.rows.size
        return {fault: total[fault] for fault in Fault if fault in total}

    def listed(self) -> pl.DataFrame:
        """Return every faulty row in full, once per fault, by class, file and row; notes are left out."""
        tables = [self._rows(finding) for finding in self.found if finding.action is not Action.NOTE]
        if not tables:
            tables = [self._rows(Finding(fault=Fault.NO_TRADE, column="close", rows=np.empty(0, np.int64)))]
        return _ordered(pl.concat(tables))

    def examples(self, fault: Fault, most: int) -> list[FaultExample]:
        """Return the first faults of a class by file, row and column."""
        tables = [self._rows(finding) for finding in self.found if finding.fault is fault]
        columns = ("source_file", "source_row", "column", "value")
        first = _ordered(pl.concat(tables)).head(most).select(columns)
        return [
            FaultExample(fault=fault, file=file, row=row, column=column, value=value)
            for file, row, column, value in first.iter_rows()
        ]

    def _rows(self, finding: Finding) -> pl.DataFrame:
        rows = self.frame[finding.rows].with_columns(pl.col("source_file").cast(pl.String))
        if finding.values is not None:
            value = pl.lit(pl.Series(finding.values, dtype=pl.String))
        else:
            value = pl.col(finding.column).cast(pl.String)
        return rows.select(
            pl.lit(str(finding.fault)).alias("fault"),
            pl.lit(str(finding.action)).alias("action"),
            pl.col("source_file", "source_row"),
            pl.lit(finding.column).alias("column"),
            value.alias("value"),
            pl.exclude("source_file", "source_row"),
        )


def _ordered(table: pl.DataFrame) -> pl.DataFrame:
    order = pl.col("fault").replace_strict({str(fault): place for place, fault in enumerate(Fault)})
    return table.sort(order, "source_file", "source_row", "column", maintain_order=True)
