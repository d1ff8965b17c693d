"""A segment of an opened panel: what is known on its days, and its labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.errors import PanelError
from gogooku3.panel.faults import REBUILD
from gogooku3.panel.segment_file import Part, SegmentFile, part_columns, same_axes


@dataclass(frozen=True, eq=False, kw_only=True)
class MappedSegment:
    """L sessions of Ns stocks in one file or two.

    What is known on a day never changes, while labels become known later; so a folder keeps them apart and a new
    session rewrites only labels.

    Attributes:
        known: File of features, flags and market fields.
        labels: File of targets and their ranks; the same file where one holds both.

    Raises:
        PanelError: The files do not belong together.
    """

    known: SegmentFile
    labels: SegmentFile

    def __post_init__(self) -> None:
        if not same_axes(self.known, self.labels):
            raise PanelError(
                "labels do not belong to their segment",
                where=self.labels.path,
                got=f"{self.labels.sessions[0]} to {self.labels.sessions[-1]}",
                expected=f"the sessions, stocks and axes of {self.known.path.name}",
                remedy=REBUILD,
            )
        if "known" not in self.known.parts or "labels" not in self.labels.parts:
            raise PanelError(
                "a segment lacks its features or labels",
                where=self.known.path,
                got=", ".join((*self.known.parts, *self.labels.parts)),
                remedy=f"open the panel's folder, not one of its files; or {REBUILD}",
            )

    @property
    def sessions(self) -> np.ndarray:
        """Sessions, datetime64[D] of shape [L]."""
        return self.known.sessions

    @property
    def codes(self) -> tuple[str, ...]:
        """Stock codes, sorted, length Ns."""
        return self.known.codes

    @property
    def files(self) -> tuple[SegmentFile, ...]:
        """Its one or two files."""
        return (self.known,) if self.known is self.labels else (self.known, self.labels)

    @property
    def nbytes(self) -> int:
        """Size of its files."""
        return sum(len(file.data) for file in self.files)

    def column(self, name: str) -> np.ndarray:
        """Return a column as a view; its bytes are checked at the first use.

        Raises:
            PanelError: They are not those that were written.
        """
        known = name in part_columns("known", self.known.axes)
        return (self.known if known else self.labels).column(name)

    def days(self, part: Part) -> list[str]:
        """Return the digests of the sessions."""
        return (self.known if part == "known" else self.labels).days(part)
