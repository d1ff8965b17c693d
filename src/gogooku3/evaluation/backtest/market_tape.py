"""From the market's grids to a tape."""

from __future__ import annotations

from dataclasses import replace

from gogooku3.axes import BoolDN
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.tape import HISTORY, Tape
from gogooku3.market.market import Market


def market_tape(
    market: Market, *, start: int = 0, stop: int | None = None, borrowable: BoolDN | None = None
) -> Tape:
    """Return the sessions [start, stop) of a market as views; links and history reach back before ``start``.

    Args:
        market: The grids, [D, N].
        start: First session.
        stop: Session after the last one, D if None.
        borrowable: The borrowable list on every session of the market, [D, N]; None for all stocks.

    Raises:
        EvaluationError: The borrowable list has another shape, or there is no session.
    """
    days = len(market.sessions)
    stop = days if stop is None else stop
    if not 0 <= start < stop <= days:
        raise EvaluationError("a tape has no session", got=(start, stop), expected=f"in [0, {days}]")
    if borrowable is not None and borrowable.shape != market.close.shape:
        raise EvaluationError(
            "the borrowable list is not aligned with the market",
            got=borrowable.shape,
            expected=market.close.shape,
        )
    before = max(0, start - HISTORY)
    return replace(
        _tape(market, start, stop),
        borrowable=None if borrowable is None else borrowable[start:stop],
        history=_tape(market, before, start) if before < start else None,
    )


def _tape(market: Market, start: int, stop: int) -> Tape:
    rows = slice(start, stop)
    return Tape(
        sessions=market.sessions[rows],
        codes=market.codes,
        open=market.open[rows],
        high=market.high[rows],
        low=market.low[rows],
        close=market.close[rows],
        volume=market.volume[rows],
        turnover=market.turnover[rows],
        ratio=market.ratio[rows],
        link=market.link[rows],
        terminal_return=market.terminal_return,
        last_bar=market.last_bar - start,
        sector=market.sector,
    )
