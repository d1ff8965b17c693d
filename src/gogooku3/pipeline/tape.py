"""What a run's predictions are traded on."""

from __future__ import annotations

from dataclasses import replace

from gogooku3.axes import BoolDN
from gogooku3.evaluation.backtest.market_tape import market_tape
from gogooku3.evaluation.backtest.tape import Tape
from gogooku3.market.settings import MarketSettings
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.panel_market import panel_market


def panel_tape(
    panel: Panel, start: int, stop: int, settings: MarketSettings, *, borrowable: BoolDN | None = None
) -> Tape | None:
    """Return the sessions [start, stop) of a panel's market; None where the panel keeps no prices.

    Links and cost estimates reach back before ``start``; nothing after ``stop`` is in it, but for which stocks
    ended within the data and what their holders received, paid on the session after the last bar.

    Args:
        panel: A panel.
        start: First session.
        stop: Session after the last one.
        settings: What counts as an end.
        borrowable: True where a stock can be sold short on that session, [D, N]; None for everywhere.
    """
    market = panel_market(panel, settings)
    if market is None:
        return None
    tape = market_tape(market, start=start, stop=stop)
    return tape if borrowable is None else replace(tape, borrowable=borrowable)
