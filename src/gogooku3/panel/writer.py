"""Write a panel segment by segment, so that it is there whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import polars as pl

from gogooku3.errors import PanelError
from gogooku3.panel.open import MANIFEST_VERSION, PANEL_FORMAT
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.seal import Seal
from gogooku3.panel.segment import Segment
from gogooku3.panel.segment_file import write_segment
from gogooku3.panel.stocks import check_stocks, stocks_to_json
from gogooku3.storage.atomic import PARTIAL_SUFFIX
from gogooku3.storage.content import StoredFile, store, sweep
from gogooku3.storage.hashing import digest_json
from gogooku3.storage.manifest import MANIFEST_NAME, Manifest

_FOLDER = "segments"
_SUFFIX = ".arrow"


class PanelWriter:
    """Write segments in session order; the manifest that makes them a panel is replaced at the end.

    Use it in a ``with`` statement. Until it ends without an error, a panel that was in the folder stays
    as it was. Afterwards segment files that the new manifest does not name are removed; readers that have
    mapped them keep them.

    Args:
        folder: The panel's folder, made when the first segment comes.
        axes: Names along the axes, the same for all segments.
        stocks: What is known of each stock, the columns of ``STOCKS_SCHEMA``; every code has to be in it.
        lineage: Where the panel came from, as JSON.

    Raises:
        PanelError: The stocks are malformed; at the end, no segment has a row.
        StorageError: The lineage is no JSON, or the folder cannot be written.
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
        self._seals: list[str] = []
        self._last: np.datetime64 | None = None
        self._rows = 0
        self._before: set[str] = set()

    def __enter__(self) -> PanelWriter:
        """Remember what is there, so that an error leaves exactly that."""
        self._before = {f"{_FOLDER}/{path.name}" for path in (self._folder / _FOLDER).glob("*")}
        return self

    def add(self, segment: Segment) -> StoredFile:
        """Write the next segment.

        Raises:
            PanelError: It does not fit the axes, does not follow the segment before, or has a code that is
                not among the stocks.
            StorageError: It cannot be written.
        """
        if self._last is not None and segment.sessions[0] <= self._last:
            raise PanelError(
                "segments overlap or are not in order",
                where=segment.span,
                expected=f"sessions after {self._last}",
            )
        strangers = sorted(set(segment.codes) - self._codes)
        if strangers:
            raise PanelError(
                "codes of a segment are not among the stocks of the panel",
                where=segment.span,
                got=f"{len(strangers)}, such as {', '.join(strangers[:5])}",
            )
        seals: list[Seal] = []

        def write(path: Path) -> None:
            seals.append(write_segment(path, segment, self._axes))

        file = store(self._folder, _FOLDER, _SUFFIX, write)
        self._files.append(file)
        self._seals.append(seals[0].header)
        self._last = segment.sessions[-1]
        self._rows += int(segment.present.sum())
        return file

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
            sweep(self._folder, _FOLDER, _SUFFIX, keep)

    def _commit(self) -> None:
        if not self._rows:
            raise PanelError(
                "a panel would have no rows",
                where=self._folder,
                got=f"{len(self._files)} segments without a bar",
                remedy="check the dates and filters of the build",
            )
        content = {
            "axes": self._axes.to_json(),
            "stocks": stocks_to_json(self._stocks),
            "seals": self._seals,
            "lineage": self._lineage,
        }
        files = tuple(self._files)
        Manifest(format=PANEL_FORMAT, version=MANIFEST_VERSION, files=files, content=content).write(
            self._folder
        )
        for leftover in self._folder.glob(f".{MANIFEST_NAME}.*{PARTIAL_SUFFIX}"):
            leftover.unlink(missing_ok=True)
