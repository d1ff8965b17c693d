"""Which sessions new and changed bars touch, and the panel with those made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import numpy as np
import polars as pl

from gogooku3.errors import PanelError
from gogooku3.labels.forward import forward_returns
from gogooku3.labels.ranks import rank_targets
from gogooku3.panel.labels import Labels
from gogooku3.panel.mapped import MappedSegment
from gogooku3.panel.panel import Panel
from gogooku3.panel.segment import Segment
from gogooku3.panel.writer import PanelWriter
from gogooku3.pipeline.published import NOTHING, Published
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.segments import SegmentMaker, feature_set
from gogooku3.pipeline.stitch import part_of, stitch
from gogooku3.pipeline.window import open_window

_MOST_SMALL = 20
"""Short segments at the end of a panel that are joined into one when there are so many."""


class Mender:
    """Makes the sessions that new and changed bars touch, and takes over all others.

    Args:
        run: The run, for its settings.
        panel: The panel before.
        stocks: All stocks as they are with the new bars.
        sessions: All sessions, those of the panel and the new ones.
        rows: New and changed bars, in the panel's scale.
        published: What was published of the stocks.
        known: First session on which that is known otherwise than when the panel was written; None if there is none.

    Attributes:
        work: Sessions to compute.
        computed: Sessions whose features were computed.
        relabelled: Earlier sessions in which a label changed.
    """

    def __init__(
        self,
        run: Run,
        panel: Panel,
        stocks: pl.DataFrame,
        sessions: np.ndarray,
        rows: pl.DataFrame,
        *,
        published: Published = NOTHING,
        known: date | None = None,
    ) -> None:
        settings = run.settings
        self.panel, self.held, self.end = panel, len(panel.sessions), len(sessions)
        days = np.searchsorted(sessions, rows.get_column("date").to_numpy().astype("datetime64[D]"))
        features = feature_set(settings.panel, published)
        if features.exported != panel.feature_names:
            raise PanelError(
                "the panel has other features than would be appended",
                where=run.path("panel"),
                got=f"{len(panel.feature_names)} features",
                expected=f"{len(features.exported)}",
                remedy="append with the files that the panel was built from, or `gogooku3 build` anew",
            )
        warm_up = max(features.warm_up().values())
        reach = max(target.reach for target in panel.targets)
        told = self.held if known is None else int(np.searchsorted(sessions, np.datetime64(known)))
        self.first = int(min(self.held, told, *days))
        silence = settings.market.ended_after + 1
        ended = _changed_ends(panel, stocks, settings.market.delisting_return)
        if self.first == self.held:
            ended += _decided_ends(panel, rows.get_column("code"), days, silence, self.end)
        else:  # a bar in a silence may undo the end that it began with
            ended.append(self.first - silence)
        self.relabel = max(0, min(self.first, *ended) - reach)
        depth = _turnover_start(panel, self.first, settings.universe.turnover_window)
        start = max(0, min(self.first - warm_up, depth, self.relabel))
        window = open_window(panel, stocks, start, sessions=sessions, rows=rows, settings=settings.market)
        self.window, self.market = window, window.market
        self.member = window.universe(panel, settings.universe, self.first)
        changed = self._last_change(rows, days)
        self.touched = min(self.held, changed + warm_up + 1) if changed >= 0 else self.first
        if told < self.held:  # a value holds until the next one
            self.touched = self.held
        self.maker = SegmentMaker(
            self.market, self.member, panel.targets, settings.panel, features, published=published
        )
        self.work = self.touched - self.first + self.end - self.held
        self.computed = self.work
        self.relabelled = 0

    def write(self, writer: PanelWriter, tick: Callable[[int], None]) -> None:
        """Give the panel's segments to a writer: as they are, with other labels, or made anew; then the new ones."""
        pieces = [*self._pieces()]
        tail = _small_tail([mapped for mapped, _, _ in pieces], self.maker.length)
        joined = tail if len(pieces) - tail >= _MOST_SMALL else len(pieces)
        for mapped, first, labels in pieces[:joined]:
            if self._is_touched(first, first + len(mapped.sessions)):
                writer.add(stitch([*self._remade(mapped, first, labels, tick)]))
            else:
                writer.keep(mapped, labels)
        waiting = [part for piece in pieces[joined:] for part in self._remade(*piece, tick)]
        for start in range(self.held, self.end, self.maker.length):
            stop = min(start + self.maker.length, self.end)
            waiting.append(self.maker.segment(self.window.row(start), self.window.row(stop)))
            tick(stop - start)
            writer.add(stitch(waiting))
            waiting = []
        if waiting:
            writer.add(stitch(waiting))

    def _pieces(self) -> Iterator[tuple[MappedSegment, int, Labels | None]]:
        """Yield each segment with its first session, and its labels where they are not those it has."""
        first = 0
        for mapped in self.panel.segments:
            last = first + len(mapped.sessions)
            yield mapped, first, self._labels(mapped, first) if last > self.relabel else None
            first = last

    def _labels(self, mapped: MappedSegment, first: int) -> Labels | None:
        """Return the segment's labels as they are now, None where no bit changed."""
        start = max(first, self.relabel)
        rows = slice(self.window.row(start), self.window.row(first + len(mapped.sessions)))
        returns = forward_returns(self.market, self.panel.targets, rows.start, rows.stop)
        now = {
            "targets": returns.astype(np.float32),
            "target_ranks": rank_targets(returns, self.member[rows]),
        }
        place = {code: n for n, code in enumerate(self.market.codes)}
        held = np.array([n for n, code in enumerate(mapped.codes) if code in place], dtype=np.int64)
        column = np.array([place[mapped.codes[n]] for n in held], dtype=np.int64)
        merged, changed = {}, np.zeros(len(mapped.sessions), dtype=bool)
        for name, values in now.items():
            before = mapped.column(name)
            after = before.copy()
            after[start - first :][:, held] = values[:, column]
            same = (after == before) | (np.isnan(after) & np.isnan(before))
            changed |= ~same.all(axis=(1, 2))
            merged[name] = after
        if not changed.any():
            return None
        self.relabelled += int(changed.sum())
        return Labels(
            sessions=mapped.sessions, codes=mapped.codes, present=mapped.column("present"), **merged
        )

    def _remade(
        self, mapped: MappedSegment, first: int, labels: Labels | None, tick: Callable[[int], None]
    ) -> Iterator[Segment]:
        """Yield the parts of a segment: what is touched is computed, the rest is taken over."""
        last = first + len(mapped.sessions)
        a, b = (min(max(edge, first), last) for edge in (self.first, self.touched))
        spans = [(first, a, False), (a, b, True), (b, last, False)] if a < b else [(first, last, False)]
        for start, stop, anew in spans:
            if start < stop and anew:
                yield self.maker.segment(self.window.row(start), self.window.row(stop))
                tick(stop - start)
            elif start < stop:
                yield part_of(mapped, slice(start - first, stop - first), labels)

    def _is_touched(self, start: int, stop: int) -> bool:
        return max(start, self.first) < min(stop, self.touched)

    def _last_change(self, rows: pl.DataFrame, days: np.ndarray) -> int:
        """Return the last session of the panel on which an input of features changed, -1 if none did.

        A changed bar changes the link of the stock's next bar, and perhaps who is in the universe.
        """
        old = days < self.held
        if not old.any():
            return -1
        last = int(days[old].max())
        present = self.market.present
        place = {code: n for n, code in enumerate(self.market.codes)}
        for day, code in zip(days[old], rows.get_column("code").filter(pl.Series(old)), strict=True):
            later = np.flatnonzero(present[self.window.row(int(day)) + 1 :, place[code]])
            if later.size:
                last = max(last, int(day) + 1 + int(later[0]))
        for block in self.panel.blocks(self.first):
            column = [place[code] for code in block.segment.codes if code in place]
            held = [n for n, code in enumerate(block.segment.codes) if code in place]
            row = self.window.row(block.first)
            now = self.member[row : row + len(block.sessions)]
            gone = np.flatnonzero((now[:, column] != block.universe[:, held]).any(axis=1))
            more = np.flatnonzero(now.sum(axis=1) != block.universe.sum(axis=1))
            for days_changed in (gone, more):
                if days_changed.size:
                    last = max(last, block.first + int(days_changed[-1]))
        return min(last, self.held - 1)


def _changed_ends(panel: Panel, stocks: pl.DataFrame, delisting_return: float) -> list[int]:
    """Last sessions of the stocks whose terminal return is another than before.

    A stock that comes back leaves an end by the rule as it was.
    """
    came_back = pl.col("last_session_now") > pl.col("last_session")
    both = panel.stocks.join(stocks, on="code", suffix="_now").filter(
        pl.col("terminal_return").ne_missing(pl.col("terminal_return_now")),
        ~(came_back & (pl.col("terminal_return") == delisting_return)).fill_null(False),
    )
    last = pl.concat([both.get_column("last_session"), both.get_column("last_session_now")])
    days = np.searchsorted(panel.sessions, last.drop_nulls().to_numpy().astype("datetime64[D]"))
    return [len(panel.sessions), *days.tolist()]


def _decided_ends(panel: Panel, codes: pl.Series, days: np.ndarray, silence: int, end: int) -> list[int]:
    """Last sessions of the stocks that new sessions show to have ended, also of those that came back after it."""
    held = len(panel.sessions)
    dates = panel.stocks.get_column("last_session").to_numpy().astype("datetime64[D]")
    last = np.searchsorted(panel.sessions, dates)
    back = dict(
        pl.DataFrame({"code": codes, "day": days}).group_by("code").agg(pl.col("day").min()).iter_rows()
    )
    following = np.array([back.get(code, end) for code in panel.stocks.get_column("code")], dtype=np.int64)
    decided = (last + silence >= held) & (following > last + silence)
    found: list[int] = last[decided].tolist()
    return found


def _turnover_start(panel: Panel, first: int, window: int) -> int:
    """Return the session from which on ``window`` sessions with a bar lie before ``first``."""
    seen = 0
    for day in range(first - 1, -1, -1):
        (block,) = panel.blocks(day, day + 1)
        seen += bool(block.present.any())
        if seen == window:
            return day
    return 0


def _small_tail(segments: list[MappedSegment], length: int) -> int:
    """Return where the segments at the end begin that together are shorter than ``length``."""
    total = 0
    for number in range(len(segments) - 1, -1, -1):
        total += len(segments[number].sessions)
        if total >= length:
            return number + 1
    return 0
