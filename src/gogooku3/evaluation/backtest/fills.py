"""Which orders are filled, decided from the bar of the trading session."""

from __future__ import annotations

import math

import numpy as np

from gogooku3.evaluation.backtest.fill_settings import FillSettings
from gogooku3.evaluation.backtest.tape import Tape


def fill_status(tape: Tape, settings: FillSettings, *, at_open: bool) -> np.ndarray:
    """Return what happens to an order in each stock and session, uint8 [D, N].

    0 it can be filled. 1 halted: no bar, no trusted link, no volume, or (``at_open``) no opening price.
    2 locked at the daily limit: open, high, low and close are one price, at least ``limit_move`` from the
    previous close after splits and dividends. Locked days fill neither side, although the side that the market
    lacks might get one in reality; a day that ends at its limit after trading below it cannot be told from a bar.
    """
    from gogooku3.evaluation.backtest.fill_kernel import fill_codes

    limit = math.inf if settings.limit_move is None else settings.limit_move
    codes: np.ndarray = fill_codes(tape.bars, at_open, limit)
    return codes
