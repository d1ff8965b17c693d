"""Forward returns, null wherever a holder could not have known or earned them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from gogooku3.axes import FloatLN
from gogooku3.errors import DataError, SettingsError
from gogooku3.labels.target import Target
from gogooku3.market.market import Market


def forward_returns(
    market: Market, targets: Sequence[Target], start: int = 0, stop: int | None = None
) -> Float64[np.ndarray, "L N T"]:
    """Return the total return of every target from every session, on the exchange's own sessions.

    ``r(t, h, d) = adj_close[t + d + h] / adj_close[t + d] - 1`` with ``adj_close = close * factor``, a plain
    fraction (0.01 is one per cent). It is NaN, never 0 and never filled, where

    * the stock has no bar on t, or no price at the entry t + d or at the exit t + d + h,
    * the span leaves the data,
    * a broken link lies in (entry, exit].

    The one exception is a stock that ended (``market.ends``), for good or until it came back: a span with
    ``entry <= last < exit < following`` earns ``adj_close[last] * (1 + terminal_return) / adj_close[entry] - 1``,
    as long as its exit lies inside the data.

    Args:
        market: The grids, [D, N].
        targets: Horizons and entry lags, in the order of the last axis.
        start: First session wanted; a build that streams asks for one segment at a time.
        stop: Session after the last one wanted, D if None. Prices after ``stop`` are still read.

    Returns:
        float64 array [stop - start, N, T].

    Raises:
        SettingsError: There is no target.
        DataError: The range does not lie in the data.
    """
    sessions, stocks = market.close.shape
    stop = sessions if stop is None else stop
    if not targets:
        raise SettingsError("there is no target", expected="at least one horizon and one entry lag")
    if not 0 <= start <= stop <= sessions:
        raise DataError(
            "a range of sessions leaves the data", got=(start, stop), expected=f"in [0, {sessions}]"
        )
    last = min(sessions, stop + max(target.reach for target in targets))
    prices = _Prices(market, start, last)
    present = market.present[start:stop]
    result = np.full((stop - start, stocks, len(targets)), np.nan)
    for index, target in enumerate(targets):
        rows = min(stop - start, last - start - target.reach)  # later spans leave the data
        if rows > 0:
            value = prices.span_returns(target, rows)
            result[:rows, :, index] = np.where(present[:rows], value, np.nan)
    return result


class _Prices:
    """Prices and breaks of the sessions [start, last), rows counted from ``start``."""

    def __init__(self, market: Market, start: int, last: int) -> None:
        self.adjusted = market.close[start:last] * market.factor[start:last]
        self.breaks = np.cumsum(market.broken[start:last], axis=0, dtype=np.int32)
        ends = market.ends
        inside = np.flatnonzero((ends.last >= start) & (ends.last < last))
        self.ended, self.last_row = ends.stock[inside], ends.last[inside] - start
        self.following = ends.following[inside] - start
        self.paid = self.adjusted[self.last_row, self.ended] * (1.0 + ends.terminal_return[inside])
        self.breaks_at_last = self.breaks[self.last_row, self.ended]

    def span_returns(self, target: Target, rows: int) -> FloatLN:
        """Return [rows, N] returns of one target, whatever the row's own session holds."""
        lag, reach = target.lag, target.reach
        entry, exit_ = self.adjusted[lag : lag + rows], self.adjusted[reach : reach + rows]
        unbroken = self.breaks[lag : lag + rows] == self.breaks[reach : reach + rows]
        value = np.where(unbroken, exit_ / entry - 1.0, np.nan)
        self._end(value, target)
        return value

    def _end(self, value: FloatLN, target: Target) -> None:
        """Write the terminal returns of spans that a stock's end lies in, [K, horizon] of them at most."""
        entry = self.last_row[:, None] - np.arange(target.horizon)
        row = entry - target.lag
        ended, step = np.nonzero(
            (row >= 0) & (row < len(value)) & (entry + target.horizon < self.following[:, None])
        )
        stock, entry, row = self.ended[ended], entry[ended, step], row[ended, step]
        unbroken = self.breaks[entry, stock] == self.breaks_at_last[ended]
        value[row, stock] = np.where(unbroken, self.paid[ended] / self.adjusted[entry, stock] - 1.0, np.nan)
