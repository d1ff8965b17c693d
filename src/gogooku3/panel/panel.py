"""An opened panel: mapped segments, stitched on a global stock axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from gogooku3.axes import BoolDN, FeatureLNF, FloatDN, TargetLNT
from gogooku3.errors import PanelError
from gogooku3.labels.target import Target
from gogooku3.panel.block import Block
from gogooku3.panel.faults import REBUILD
from gogooku3.panel.gather import gather
from gogooku3.panel.mapped import MappedSegment
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment_file import PARTS, Part
from gogooku3.panel.stocks import align_stocks, stocks_to_json
from gogooku3.storage.hashing import digest_json


class Panel:
    """D sessions by N stocks, held in segments that each cover a run of sessions on their own stock axis.

    Attributes:
        axes: Names along the axes.
        sessions: datetime64[D] array of shape [D], strictly increasing.
        codes: All stock codes, sorted, length N.
        stocks: What is known of each stock, row n for ``codes[n]`` (``STOCKS_SCHEMA``).
        lineage: Where the panel came from.
        segments: The mapped segments, in order.
    """

    def __init__(
        self,
        segments: Sequence[MappedSegment],
        axes: PanelAxes,
        stocks: pl.DataFrame,
        lineage: Mapping[str, Any],
    ) -> None:
        """Stitch segments that are in order.

        Raises:
            PanelError: There are none, they overlap, or one has other axes.
        """
        _check_order(segments, axes)
        self.axes = axes
        self.lineage = lineage
        self.sessions = np.concatenate([segment.sessions for segment in segments])
        self.codes = tuple(sorted(set().union(*(segment.codes for segment in segments))))
        self.stocks = align_stocks(stocks, self.codes)
        self.segments = tuple(segments)
        self._first = np.cumsum([0, *(len(segment.sessions) for segment in segments)])
        place = {code: n for n, code in enumerate(self.codes)}
        self._stock = [
            np.array([place[code] for code in segment.codes], dtype=np.int64) for segment in segments
        ]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The F features, in order."""
        return self.axes.feature_names

    @property
    def targets(self) -> tuple[Target, ...]:
        """The T targets, in order."""
        return self.axes.targets

    @property
    def field_names(self) -> tuple[str, ...]:
        """The market fields."""
        return self.axes.field_names

    @property
    def calendar(self) -> str:
        """Code of the exchange calendar, ``unknown`` where the sessions are those of a table."""
        return self.axes.calendar

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 that stands for axes, stocks and every value; neither the layout in files nor lineage counts."""
        days = {part: self.days(part) for part in PARTS}
        return digest_json([self.axes.to_json(), stocks_to_json(self.stocks), days])

    def days(self, part: Part) -> list[str]:
        """Return a SHA-256 per session of what was known then, or of its labels; the layout in files does not count."""
        return [day for segment in self.segments for day in segment.days(part)]

    def digest(self, sessions: np.ndarray, parts: Sequence[Part] = PARTS) -> str:
        """Return a SHA-256 over axes and the given sessions (indices [S], in order), whatever the others hold."""
        days = {part: self.days(part) for part in parts}
        return digest_json([self.axes.to_json(), {p: [d[i] for i in sessions] for p, d in days.items()}])

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Yield the sessions from index ``start`` to before ``stop``, one block per segment touched.

        Raises:
            PanelError: The range leaves the panel.
        """
        stop = len(self.sessions) if stop is None else stop
        if not 0 <= start <= stop <= len(self.sessions):
            raise PanelError(
                "a range of sessions leaves the panel",
                got=f"{start} to {stop}",
                expected=f"0 <= start <= stop <= {len(self.sessions)}",
            )
        extents = pairwise(self._first.tolist())
        for segment, stock, (first, end) in zip(self.segments, self._stock, extents, strict=True):
            low, high = max(start, first), min(stop, end)
            if low < high:
                yield Block(first=low, stock=stock, segment=segment, rows=slice(low - first, high - first))

    def grid(self, name: str) -> FloatDN:
        """Return a market field on the global stock axis as a new float64 [D, N], NaN where there is none.

        Raises:
            PanelError: The panel has no such field.
        """
        grid = np.full((len(self.sessions), len(self.codes)), np.nan)
        for block in self.blocks():
            grid[block.first : block.first + len(block.sessions), block.stock] = block.field(name)
        return grid

    @cached_property
    def present(self) -> BoolDN:
        """True where the stock has a bar, [D, N]."""
        return self._flags("present")

    @cached_property
    def universe(self) -> BoolDN:
        """True where the stock can be ranked, [D, N]."""
        return self._flags("universe")

    def target(self, target: Target) -> np.ndarray:
        """Return raw forward returns as a new float32 [D, N], NaN for no label.

        Raises:
            PanelError: The panel has no such target.
        """
        return self._targets("targets", target)

    def target_rank(self, target: Target) -> np.ndarray:
        """Return per-day rank targets as a new float32 [D, N], NaN for no label and outside the universe.

        Raises:
            PanelError: The panel has no such target.
        """
        return self._targets("target_ranks", target)

    def read(
        self, start: int, stop: int, *, stocks: np.ndarray | None = None, out: np.ndarray | None = None
    ) -> FeatureLNF:
        """Copy the features of sessions [start, stop) into memory, on one stock axis.

        Args:
            start: First session.
            stop: Session after the last.
            stocks: Indices into ``codes``, int64 [N]; all stocks if not given.
            out: float32 [L, N, F] to fill; a loop that gives the same one does not pay for new memory each time.

        Returns:
            float32 [L, N, F], NaN where a stock has no bar in the block's segment.

        Raises:
            PanelError: The range leaves the panel, a stock is not of the panel, or ``out`` has another shape.
        """
        wanted = np.arange(len(self.codes)) if stocks is None else stocks
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self.codes):
            raise PanelError(
                "a stock is not of the panel", got=wanted.max(), expected=f"below {len(self.codes)}"
            )
        shape = (stop - start, len(wanted), len(self.feature_names))
        into = np.empty(shape, dtype=np.float32) if out is None else out
        if into.shape != shape or into.dtype != np.float32:
            raise PanelError(
                "a buffer does not fit", got=f"{into.dtype} {into.shape}", expected=f"float32 {shape}"
            )
        for block in self.blocks(start, stop):
            first = block.first - start
            gather(block.features, block.stock, wanted, into[first : first + len(block.sessions)])
        return into

    def verify(self, tick: Callable[[], None] = lambda: None) -> None:
        """Read every byte and compare it with the digests taken when it was written.

        Args:
            tick: Called once a file.

        Raises:
            PanelError: A segment is damaged.
        """
        for segment in self.segments:
            for file in segment.files:
                file.verify()
                tick()

    def _flags(self, name: str) -> BoolDN:
        grid = np.zeros((len(self.sessions), len(self.codes)), dtype=np.bool_)
        for block in self.blocks():
            grid[block.first : block.first + len(block.sessions), block.stock] = getattr(block, name)
        grid.setflags(write=False)
        return grid

    def _targets(self, name: str, target: Target) -> np.ndarray:
        if target not in self.targets:
            known = ", ".join(map(str, self.targets))
            raise PanelError("a panel has no such target", got=target, expected=known, remedy=REBUILD)
        column = self.targets.index(target)
        grid = np.full((len(self.sessions), len(self.codes)), np.nan, dtype=np.float32)
        for block in self.blocks():
            values: TargetLNT = getattr(block, name)
            grid[block.first : block.first + len(block.sessions), block.stock] = values[:, :, column]
        return grid


def _check_order(segments: Sequence[MappedSegment], axes: PanelAxes) -> None:
    if not any(len(segment.codes) for segment in segments):
        raise PanelError("a panel has no rows", remedy=REBUILD)
    for segment in segments:
        if segment.known.axes != axes:
            raise PanelError(
                "a segment has other axes than its panel",
                where=segment.known.path,
                got=segment.known.axes.differing(axes),
                remedy=REBUILD,
            )
    for left, right in pairwise(segments):
        if not left.sessions[-1] < right.sessions[0]:
            raise PanelError(
                "segments overlap or are not in order",
                where=right.known.path,
                got=right.sessions[0],
                expected=f"after {left.sessions[-1]}",
                remedy=REBUILD,
            )
