"""Half the bid-ask spread, estimated from daily bars."""

from __future__ import annotations

import math

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.evaluation.backtest.cost_settings import CostSettings
from gogooku3.evaluation.backtest.tape import Tape

_BLOCKS = 12
_NEED = 0.25  # share of the window that must be pairs of bars


def half_spread(tape: Tape, settings: CostSettings) -> FloatDN:
    """Return half the relative effective spread in each stock and session, from the bars before it, [D, N].

    The estimator EDGE of Ardia, Guidotti and Kroencke, "Efficient Estimation of Bid-Ask Spreads from Open, High,
    Low, and Close Prices" (Journal of Financial Economics 161, 2024), its two moment conditions weighted equally,
    over ``spread_window`` sessions, renewed every twelfth of them. Returns across splits and dividends are adjusted.

    Why not the two-day estimators of Corwin and Schultz (2012) or Abdi and Ranaldo (2017): their daily values are
    cut at zero before they are averaged, so at a volatility of 2 % a spread of 5 bps is estimated as 80 to 90, and
    in Tokyo the most and the least traded stocks look alike. Here a squared spread is averaged first and cut after.
    Spreads far below the volatility stay hard to see: floor and cap bound what is estimated, and a stock that is
    not known for a quarter of the window is as dear as the dearest twentieth of the session.
    """
    from gogooku3.evaluation.backtest.spread_kernel import squared_spreads
    from gogooku3.evaluation.backtest.trailing_kernel import fill_dear

    step = settings.spread_window // _BLOCKS
    squared = squared_spreads(tape.bars, step, _BLOCKS, math.ceil(_NEED * step * _BLOCKS))
    spread = np.sqrt(np.maximum(squared, 0.0))
    low, high = settings.spread_floor_bps * 1e-4, settings.spread_cap_bps * 1e-4
    unknown = np.isnan(spread)
    spread = np.clip(spread, low, high)
    spread[unknown] = np.nan
    fill_dear(spread, 0.95)
    spread[np.isnan(spread)] = high
    rows = np.arange(len(tape.sessions)) // step
    halved: FloatDN = 0.5 * spread[rows]
    return halved
