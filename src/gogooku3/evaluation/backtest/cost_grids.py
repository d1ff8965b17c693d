"""What a trade would cost in each stock and session, as known before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.spread import half_spread
from gogooku3.evaluation.backtest.tape import Tape

_DEAR = 0.95  # where nothing is known of a stock, it is as dear as the dearest twentieth of the session


@dataclass(frozen=True, eq=False, kw_only=True)
class CostGrids:
    """Inputs of the cost model; None where the settings do not need them.

    Attributes:
        half_spread: Half the relative spread, [D, N].
        volatility: Standard deviation of daily log returns, [D, N].
        daily_turnover: Average value traded a day, currency units, [D, N].
    """

    half_spread: FloatDN | None
    volatility: FloatDN | None
    daily_turnover: FloatDN | None


def cost_grids(tape: Tape, settings: BacktestSettings) -> CostGrids:
    """Return the grids that the settings need, from the bars before each session, those of the tape's history too.

    Volatility and turnover are of the last ``window`` sessions; a session without a bar counts as one without
    turnover, unless nobody has a bar. A stock with less than half a window of returns, or without turnover, gets
    the 95th percentile of the session's volatilities and the 5th of its turnovers.
    """
    if settings.costs.spread == "none" and not settings.needs_capital:
        return CostGrids(half_spread=None, volatility=None, daily_turnover=None)
    whole, lead = tape.joined, tape.lead
    spread = half_spread(whole, settings.costs)[lead:] if settings.costs.spread == "edge" else None
    volatility = daily = None
    if settings.needs_capital:
        from gogooku3.evaluation.backtest.trailing_kernel import fill_dear, trailing

        held = np.isfinite(whole.close).any(axis=1)
        volatility, daily = trailing(
            whole.bars.link, np.ascontiguousarray(whole.turnover), held, settings.costs.window
        )
        fill_dear(volatility, _DEAR)
        fill_dear(daily, 1 - _DEAR)
        volatility, daily = volatility[lead:], daily[lead:]
    return CostGrids(half_spread=spread, volatility=volatility, daily_turnover=daily)
