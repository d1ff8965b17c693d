"""Write a panel segment by segment, so that it is there whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import polars as pl

from gogooku3.errors import PanelError
from gogooku3.panel.labels import Labels
from gogooku3.panel.mapped import MappedSegment
from gogooku3.panel.open import MANIFEST_VERSION, PANEL_FORMAT
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment import Segment
from gogooku3.panel.segment_file import Part, SegmentFile, write_segment
from gogooku3.panel.stocks import check_stocks, stocks_to_json
from gogooku3.storage.atomic import PARTIAL_SUFFIX
from gogooku3.storage.content import StoredFile, store, sweep
from gogooku3.storage.hashing import digest_json
from gogooku3.storage.lock import exclusive
from gogooku3.storage.manifest import MANIFEST_NAME, Manifest

_FOLDERS: Mapping[Part, str] = {"known": "segments", "labels": "labels"}
_SUFFIX = ".arrow"
_LOCK = ".lock"


class PanelWriter:
    """Write segments in session order; the manifest that makes them a panel is replaced at the end.

    Use it in a ``with`` statement; only one at a time can be open on a folder. Until it ends without an error, a
    panel that was in the folder stays as it was. Afterwards segment files that the new manifest does not name are
    removed; readers that have mapped them keep them.

    Args:
        folder: The panel's folder, made when the first segment comes.
        axes: Names along the axes, the same for all segments.
        stocks: What is known of each stock, the columns of ``STOCKS_SCHEMA``; every code has to be in it.
        lineage: Where the panel came from, as JSON.

    Raises:
        PanelError: The stocks are malformed; at the end, no segment has a row.
        StorageError: The lineage is no JSON, the folder cannot be written, or another writer is at work in it.
    """

    def __init__(
        self, folder: Path, axes: PanelAxes, stocks: pl.DataFrame, lineage: Mapping[str, Any]
    ) -> None:
        digest_json(dict(lineage))
        self._folder = folder
        self._axes = axes
        self._stocks = check_stocks(stocks)
        self._codes = frozenset(self._stocks["code"])
        self._lineage = dict(lineage)
        self._files: list[StoredFile] = []
        self._last: np.datetime64 | None = None
        self._rows = 0
        self._before: set[str] = set()
        self._held = ExitStack()

    def __enter__(self) -> PanelWriter:
        """Lock the folder and remember what is there, so that an error leaves exactly that."""
        self._held.enter_context(exclusive(self._folder / _LOCK, "a panel is being written"))
        for name in _FOLDERS.values():
            self._before |= {f"{name}/{path.name}" for path in (self._folder / name).glob("*")}
        return self

    def add(self, segment: Segment) -> None:
        """Write the next segment.

        Raises:
            PanelError: It does not fit the axes, does not follow the segment before, or has a code that is
                not among the stocks.
            StorageError: It cannot be written.
        """
        self._check(segment.sessions, segment.codes)
        self._files += [self._store("known", segment), self._store("labels", segment)]
        self._count(segment.sessions, segment.present)

    def keep(self, segment: MappedSegment, labels: Labels | None = None) -> None:
        """Take over the next segment from the panel that is in the folder now, its labels if none are given.

        Raises:
            PanelError: As for `add`; or the segment is not of this folder, or of another format version.
        """
        self._check(segment.sessions, segment.codes)
        old = len(segment.files) == 1
        if segment.known.axes != self._axes or old:
            raise PanelError(
                "a segment cannot be taken over",
                where=segment.known.path,
                got="a file of format version 1" if old else segment.known.axes.differing(self._axes),
                remedy="`gogooku3 panel upgrade`, or build the panel again",
            )
        self._files.append(self._taken(segment.known))
        self._files.append(self._taken(segment.labels) if labels is None else self._store("labels", labels))
        self._count(segment.sessions, segment.column("present"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Make the segments a panel, or on an error remove them."""
        committed = False
        try:
            if error is None:
                self._commit()
                committed = True
        finally:
            keep = {file.name for file in self._files} if committed else self._before
            for name in _FOLDERS.values():
                sweep(self._folder, name, _SUFFIX, keep)
            self._held.close()

    def _check(self, sessions: np.ndarray, codes: tuple[str, ...]) -> None:
        span = f"{sessions[0]} to {sessions[-1]}"
        if self._last is not None and sessions[0] <= self._last:
            raise PanelError(
                "segments overlap or are not in order", where=span, expected=f"sessions after {self._last}"
            )
        strangers = sorted(set(codes) - self._codes)
        if strangers:
            raise PanelError(
                "codes of a segment are not among the stocks of the panel",
                where=span,
                got=f"{len(strangers)}, such as {', '.join(strangers[:5])}",
            )

    def _count(self, sessions: np.ndarray, present: np.ndarray) -> None:
        self._last = sessions[-1]
        self._rows += int(present.sum())

    def _store(self, part: Part, segment: Segment | Labels) -> StoredFile:
        def write(path: Path) -> str:
            return write_segment(path, segment, self._axes, parts=(part,)).header

        return store(self._folder, _FOLDERS[part], _SUFFIX, write)

    def _taken(self, file: SegmentFile) -> StoredFile:
        name = file.path.relative_to(self._folder.resolve()).as_posix()
        return StoredFile(name=name, digest=file.seal.header, size=len(file.data))

    def _commit(self) -> None:
        if not self._rows:
            raise PanelError(
                "a panel would have no rows",
                where=self._folder,
                got=f"{len(self._files) // 2} segments without a bar",
                remedy="check the dates and filters of the build",
            )
        content = {
            "axes": self._axes.to_json(),
            "stocks": stocks_to_json(self._stocks),
            "seals": [file.digest for file in self._files],
            "lineage": self._lineage,
        }
        files = tuple(self._files)
        Manifest(format=PANEL_FORMAT, version=MANIFEST_VERSION, files=files, content=content).write(
            self._folder
        )
        for leftover in self._folder.glob(f".{MANIFEST_NAME}.*{PARTIAL_SUFFIX}"):
            leftover.unlink(missing_ok=True)
