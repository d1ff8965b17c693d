"""The market as grids: every exchange session by every stock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogooku3.axes import BoolDN, FloatDN, FloatN, Int16N
from gogooku3.market.endings import Ends


@dataclass(frozen=True, eq=False, kw_only=True)
class Market:
    """Daily bars on the exchange's own sessions, plus what is known of each stock.

    All grids are float64 ``[D, N]``, NaN where the stock has no bar. Rows are all sessions of the calendar
    from the first to the last in the data, also those that a source lacks. Prices of one stock share a scale
    that may be arbitrary (a vendor's split adjustment), so a price level is never a feature.

    Attributes:
        calendar: Code of the exchange calendar, such as ``XTKS``.
        sessions: datetime64[D] array of shape [D], strictly increasing.
        codes: Stock codes, sorted, length N.
        names: Company names, empty where unknown, length N.
        sector: Index into ``sector_names``, -1 where unknown, int16 [N].
        sector_names: Sector labels, sorted.
        open, high, low, close: Prices.
        volume: Shares.
        turnover: Value traded, close x volume where the source gives none.
        factor: Cumulative adjustment factor; only ratios between sessions mean anything:
            ``close[t] * factor[t] / (close[s] * factor[s])`` is the gross total return from s to t.
        broken: True where the link from the previous bar cannot be trusted (an impossible jump).
        ends: Where stocks ended, for good or until they came back.
    """

    calendar: str
    sessions: np.ndarray
    codes: tuple[str, ...]
    names: tuple[str, ...]
    sector: Int16N
    sector_names: tuple[str, ...]
    open: FloatDN
    high: FloatDN
    low: FloatDN
    close: FloatDN
    volume: FloatDN
    turnover: FloatDN
    factor: FloatDN
    broken: BoolDN
    ends: Ends

    @cached_property
    def present(self) -> BoolDN:
        """True where the stock has a bar."""
        finite: np.ndarray = np.isfinite(self.close)
        return finite

    @cached_property
    def previous_bar(self) -> np.ndarray:
        """Session index of the stock's previous bar, -1 where there is none, int64 [D, N]."""
        index = np.where(self.present, np.arange(len(self.sessions))[:, None], -1)
        latest = np.maximum.accumulate(index, axis=0)
        previous: np.ndarray = np.full_like(latest, -1)
        previous[1:] = latest[:-1]
        return previous

    @cached_property
    def last_bar(self) -> np.ndarray:
        """Session index of each stock's last bar, int64 [N]."""
        latest: np.ndarray = len(self.sessions) - 1 - np.argmax(self.present[::-1], axis=0)
        return latest

    @cached_property
    def terminal_return(self) -> FloatN:
        """Return from the last close to what a holder received of a stock that ended for good, else NaN, [N]."""
        received = np.full(len(self.codes), np.nan)
        final = self.ends.following == len(self.sessions)
        received[self.ends.stock[final]] = self.ends.terminal_return[final]
        return received

    @cached_property
    def ratio(self) -> FloatDN:
        """Change of the adjustment factor since the previous bar: split and dividend on the way, [D, N]."""
        change: np.ndarray = self.factor / self._at_previous(self.factor)
        return change

    @cached_property
    def link(self) -> FloatDN:
        """Gross total return from the previous bar; NaN at a first bar or a broken link, [D, N]."""
        gross = self.close / self._at_previous(self.close) * self.ratio
        return np.where(self.broken, np.nan, gross)

    @cached_property
    def overnight(self) -> FloatDN:
        """Gross return from the previous bar's close to this open; NaN as for ``link``, [D, N]."""
        gross = self.open / self._at_previous(self.close) * self.ratio
        return np.where(self.broken, np.nan, gross)

    def _at_previous(self, grid: FloatDN) -> FloatDN:
        previous = self.previous_bar
        value = np.take_along_axis(grid, np.maximum(previous, 0), axis=0)
        known: np.ndarray = np.where((previous >= 0) & self.present, value, np.nan)
        return known
