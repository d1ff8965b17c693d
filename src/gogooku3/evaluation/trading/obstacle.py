"""What keeps a book from being formed."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.tape import Tape


def obstacle(settings: BacktestSettings, score: FloatDN, tape: Tape) -> str | None:
    """Return why a score cannot be traded so, in words, or None where it can.

    Args:
        settings: What would be simulated.
        score: Scores [D, N], NaN where none.
        tape: What would be traded on.
    """
    if settings.schedule.entry == "open" and not (tape.open > 0).any():
        return "no bar has an opening price"
    if settings.costs.spread != "none" and not (np.isfinite(tape.high) & np.isfinite(tape.low)).any():
        return "no bar has a high and a low, which the spread is estimated from"
    if settings.needs_capital and not (tape.turnover > 0).any():
        return "no turnover is known, which orders are compared with"
    if settings.construction.sector_neutral and not (tape.sector >= 0).any():
        return "no stock's sector is known"
    return _too_few(settings, score)


def _too_few(settings: BacktestSettings, score: FloatDN) -> str | None:
    k = settings.construction.k
    if k is None:
        return None
    names = int(np.isfinite(score).sum(axis=1).max(initial=0))
    needed = 2 * k if settings.construction.side == "long_short" else k + 1
    return None if names >= needed else f"no session scores more than {names} names, and {needed} are needed"
