"""A table that can become HTML or Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_STUB = 4  # columns that name a row, at most
_LONG = 30  # rows from which a table is folded away


@dataclass(frozen=True, kw_only=True)
class Table:
    """Text cells under named columns.

    Attributes:
        title: Heading.
        note: One sentence on how to read it.
        columns: Names, one per cell of a row.
        rows: Cells.
        text_columns: How many columns from the left hold text rather than numbers.
        text_tail: Whether the last column holds text.
        groups: Indices of rows that begin a new group.
        quiet: Indices of rows that step back.
        best: Row and column of cells to stress.
    """

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    text_tail: bool = False
    groups: frozenset[int] = frozenset()
    quiet: frozenset[int] = frozenset()
    best: frozenset[tuple[int, int]] = frozenset()

    def is_text(self, column: int) -> bool:
        """Whether a column is set flush left."""
        return column < self.text_columns or (self.text_tail and column == len(self.columns) - 1)

    @property
    def stub(self) -> int:
        """How many columns from the left name the row; the first one where every column is text."""
        wordy = self.text_columns >= len(self.columns)
        return 1 if wordy else max(1, min(self.text_columns, _STUB))

    @property
    def is_long(self) -> bool:
        """Whether the table is better folded away on a page."""
        return len(self.rows) > _LONG

    def to_markdown(self, level: int = 3) -> str:
        """Return a pipe table under a heading of the level given."""
        rule = ["---" if self.is_text(column) else "---:" for column in range(len(self.columns))]
        lines = [f"{'#' * level} {escaped(self.title)}", "", self.note, "", _line(self.columns)]
        lines.append(f"| {' | '.join(rule)} |")
        for index, row in enumerate(self.rows):
            lines.append(_line(row, {column for at, column in self.best if at == index}))
        return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], stressed: set[int] | None = None) -> str:
    texts = [escaped(cell) for cell in cells]
    for column in stressed or ():
        texts[column] = f"**{texts[column]}**"
    return f"| {' | '.join(texts)} |"


def escaped(cell: str) -> str:
    """Return text that cannot break a Markdown table or start markup."""
    for mark, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("\n", " ")):
        cell = cell.replace(mark, safe)
    return cell
