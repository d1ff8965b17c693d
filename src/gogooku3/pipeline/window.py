"""The end of a panel's market, with new bars in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from gogooku3.axes import BoolDN
from gogooku3.market.assemble import find_jumps
from gogooku3.market.endings import Ends, find_ends
from gogooku3.market.market import Market
from gogooku3.market.settings import MarketSettings
from gogooku3.market.universe import UniverseSettings, universe
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.segments import GRIDS


@dataclass(frozen=True, eq=False, kw_only=True)
class Window:
    """Sessions [start, end) of a market whose first ``start`` sessions are in the panel only.

    Attributes:
        market: The grids of those sessions. Where earlier ones exist, a row before them holds each stock's last
            bar, so that links reach it.
        start: Index of the first session on the axis of all sessions.
        lead: 1 if there is that row, else 0.
        before: Bars of each stock before the grids' first row, int64 [N].
    """

    market: Market
    start: int
    lead: int
    before: np.ndarray

    def row(self, session: int) -> int:
        """Return the row of a session."""
        return session - self.start + self.lead

    def universe(self, panel: Panel, settings: UniverseSettings, first: int) -> BoolDN:
        """Return membership: the panel's own before session ``first``, computed from there on."""
        member = universe(self.market, settings, start=self.row(first), before=self.before)
        place = {code: n for n, code in enumerate(self.market.codes)}
        for block in panel.blocks(self.start, min(first, len(panel.sessions))):
            columns, held = _columns(block.segment.codes, place)
            row = self.row(block.first)
            member[row : row + len(block.sessions), columns] = block.universe[:, held]
        return member


def open_window(
    panel: Panel,
    stocks: pl.DataFrame,
    start: int,
    *,
    sessions: np.ndarray,
    rows: pl.DataFrame,
    settings: MarketSettings,
) -> Window:
    """Lay out the panel's market from session ``start`` on, with ``rows`` in place of its bars.

    Args:
        panel: A panel with the market's grids.
        stocks: All stocks as they are with the new bars, as the panel keeps them.
        start: First session wanted.
        sessions: All sessions, those of the panel and the new ones.
        rows: New and changed bars, in the panel's scale.
        settings: What counts as a broken link, and as an end.
    """
    codes = _codes(panel, rows, start)
    lead = int(start > 0)
    shape = (len(sessions) - start + lead, len(codes))
    grids = {name: np.full(shape, np.nan) for name in GRIDS}
    place = {code: n for n, code in enumerate(codes)}
    inside = np.zeros(len(codes), dtype=np.int64)
    for block in panel.blocks(start):
        columns, held = _columns(block.segment.codes, place)
        row = block.first - start + lead
        for name, grid in grids.items():
            grid[row : row + len(block.sessions), columns] = block.field(name)[:, held]
        inside[columns] += block.present[:, held].sum(axis=0)
    counted = dict(panel.stocks.select("code", "bars").iter_rows())
    before = np.array([counted.get(code, 0) for code in codes], dtype=np.int64) - inside
    if lead:
        _fill_lead(panel, start, place, before, grids)
        before -= before > 0  # the row of last bars counts one of them
    _apply(rows, sessions, start - lead, place, grids)
    market = _market(panel, stocks, codes, sessions[start - lead :], grids)
    broken, _ = find_jumps(market, settings)
    own = pl.DataFrame({"code": codes}).join(stocks, on="code", how="left", maintain_order="left")
    terminal = own.get_column("terminal_return").fill_null(np.nan).to_numpy()
    ends = find_ends(market.present, terminal, settings)
    return Window(market=replace(market, broken=broken, ends=ends), start=start, lead=lead, before=before)


def _codes(panel: Panel, rows: pl.DataFrame, start: int) -> tuple[str, ...]:
    named = set(rows.get_column("code"))
    for block in panel.blocks(start):
        held = np.flatnonzero(block.present.any(axis=0))
        named |= {block.segment.codes[n] for n in held}
    return tuple(sorted(named))


def _columns(codes: Sequence[str], place: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the window's columns of a segment's stocks, and which of those stocks they are."""
    held = np.array([n for n, code in enumerate(codes) if code in place], dtype=np.int64)
    return np.array([place[codes[n]] for n in held], dtype=np.int64), held


def _fill_lead(
    panel: Panel, start: int, place: dict[str, int], before: np.ndarray, grids: dict[str, np.ndarray]
) -> None:
    """Put each stock's last bar before ``start`` into row 0, looking back no further than needed."""
    waiting = {code for code, n in place.items() if before[n] > 0}
    for segment, first in reversed([*zip(panel.segments, _firsts(panel), strict=True)]):
        rows = min(start - first, len(segment.sessions))
        if rows <= 0:
            continue
        if not waiting:
            break
        present = segment.column("present")[:rows]
        for column, code in enumerate(segment.codes):
            if code in waiting and present[:, column].any():
                row = int(rows - 1 - np.argmax(present[::-1, column]))
                for name, grid in grids.items():
                    grid[0, place[code]] = segment.column(name)[row, column]
                waiting.remove(code)


def _firsts(panel: Panel) -> list[int]:
    lengths = [len(segment.sessions) for segment in panel.segments]
    return [int(first) for first in np.cumsum([0, *lengths[:-1]])]


def _apply(
    rows: pl.DataFrame, sessions: np.ndarray, first: int, place: dict[str, int], grids: dict[str, np.ndarray]
) -> None:
    day = np.searchsorted(sessions, rows.get_column("date").to_numpy().astype("datetime64[D]")) - first
    stock = rows.get_column("code").replace_strict(place, return_dtype=pl.Int64).to_numpy()

    def values(name: str) -> np.ndarray:
        return rows.get_column(name).cast(pl.Float64).to_numpy(allow_copy=True)

    for name in ("open", "high", "low", "close", "volume"):
        grids[name][day, stock] = values(name)
    given = values("turnover")
    product = grids["close"][day, stock] * grids["volume"][day, stock]
    grids["turnover"][day, stock] = np.where(np.isfinite(given), given, product)
    grids["factor"][day, stock] = values("adj_factor")


def _market(
    panel: Panel,
    stocks: pl.DataFrame,
    codes: tuple[str, ...],
    sessions: np.ndarray,
    grids: dict[str, np.ndarray],
) -> Market:
    own = pl.DataFrame({"code": codes}).join(stocks, on="code", how="left", maintain_order="left")
    labels = sorted({label for label in own.get_column("sector") if label})
    index = {label: number for number, label in enumerate(labels)}
    return Market(
        calendar=panel.calendar,
        sessions=sessions,
        codes=codes,
        names=tuple(own.get_column("name")),
        sector=np.array([index.get(label, -1) for label in own.get_column("sector")], dtype=np.int16),
        sector_names=tuple(labels),
        broken=np.zeros((len(sessions), len(codes)), dtype=bool),
        ends=Ends.none(),
        **grids,
    )
