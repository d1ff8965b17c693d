"""What a backtest trades on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gogooku3.axes import BoolDN, FloatDN, FloatN, Int16N
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.kernel_types import Bars


@dataclass(frozen=True, eq=False, kw_only=True)
class Tape:
    """Bars and total returns of consecutive sessions, NaN where a stock has no bar.

    Attributes:
        sessions: datetime64[D] array, strictly increasing, [D].
        codes: Stock codes, length N.
        open, high, low, close: Prices per share, [D, N].
        volume: Shares; a bar without volume repeats an old price that nobody could trade at, [D, N].
        turnover: Value traded, currency units, [D, N].
        ratio: Change of the adjustment factor since the previous bar, 1 without split or dividend, [D, N].
        link: Gross total return from the previous bar, NaN where there is no bar or no trust, [D, N].
        terminal_return: Return from a stock's last close to what a holder received, NaN where unknown, [N].
        last_bar: Row of each stock's last bar in these grids, int64 [N]; may be negative or beyond the last row.
        sector: Sector of each stock, -1 where unknown, int16 [N].
        borrowable: True where the stock can be sold short on that session; None for everywhere, [D, N].
        history: The sessions just before, which spread, volatility and turnover are estimated from as well; without
            them the first sessions are as dear as what is not known.
    """

    sessions: np.ndarray
    codes: tuple[str, ...]
    open: FloatDN
    high: FloatDN
    low: FloatDN
    close: FloatDN
    volume: FloatDN
    turnover: FloatDN
    ratio: FloatDN
    link: FloatDN
    terminal_return: FloatN
    last_bar: np.ndarray
    sector: Int16N
    borrowable: BoolDN | None = None
    history: Tape | None = None

    def __post_init__(self) -> None:
        shape = (len(self.sessions), len(self.codes))
        grids = {name: grid.shape for name in _GRIDS if (grid := getattr(self, name)) is not None}
        stocks = {name: getattr(self, name).shape for name in ("terminal_return", "last_bar", "sector")}
        wrong = {name: got for name, got in grids.items() if got != shape}
        wrong |= {name: got for name, got in stocks.items() if got != shape[1:]}
        if wrong:
            raise EvaluationError("grids of a tape are not aligned", got=wrong, expected=shape)
        if (np.diff(self.sessions) <= np.timedelta64(0, "D")).any():
            raise EvaluationError("sessions are not in order", expected="strictly increasing dates")
        before = self.history
        if before is not None and (before.codes != self.codes or before.sessions[-1] >= self.sessions[0]):
            raise EvaluationError(
                "the history of a tape is not of the sessions before it",
                got=f"{len(before.codes)} stocks up to {before.sessions[-1]}",
                expected=f"the same {len(self.codes)} stocks, before {self.sessions[0]}",
            )

    @property
    def bars(self) -> Bars:
        """The grids as compiled code reads them: one type, whatever they are views of."""
        return Bars(
            *(
                np.ascontiguousarray(grid)
                for grid in (self.open, self.high, self.low, self.close, self.volume, self.ratio, self.link)
            )
        )

    @property
    def lead(self) -> int:
        """Sessions of the history."""
        return 0 if self.history is None else len(self.history.sessions)

    @property
    def joined(self) -> Tape:
        """History and tape as one, for estimates; copies where there is a history."""
        if self.history is None:
            return self
        before = self.history.joined
        grids: dict[str, Any] = {
            name: np.concatenate([getattr(before, name), getattr(self, name)]) for name in _KNOWN
        }
        return replace(
            self,
            sessions=np.concatenate([before.sessions, self.sessions]),
            last_bar=self.last_bar + len(before.sessions),
            borrowable=None,
            history=None,
            **grids,
        )


HISTORY = 260
"""Sessions that are enough for the usual windows of the estimates."""
_KNOWN = ("open", "high", "low", "close", "volume", "turnover", "ratio", "link")
_GRIDS = (*_KNOWN, "borrowable")
