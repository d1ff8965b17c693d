"""The same trades at other costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gogooku3.axes import FloatD
from gogooku3.evaluation.backtest.backtest import Backtest

COST_GRID_BPS = tuple(float(bps) for bps in range(0, 55, 5))


def net_at(result: Backtest, bps: float) -> FloatD:
    """Return the net return if a unit of traded weight cost ``bps`` basis points, other costs as they are, [D].

    Exact for weights. For cash the trades stay those of the account that was simulated.
    """
    other: FloatD = result.net + result.commission - result.traded * bps * 1e-4
    return other


def sharpe_by_cost(
    result: Backtest, rows: np.ndarray, *, sessions_per_year: float, grid: Sequence[float] = COST_GRID_BPS
) -> tuple[float, ...]:
    """Return the annual net Sharpe ratio at each cost of the grid, NaN where returns do not vary.

    Args:
        result: A backtest.
        rows: Mask of sessions, [D].
        sessions_per_year: For the scale.
        grid: Costs per traded weight, basis points.
    """
    return tuple(_sharpe(net_at(result, bps)[rows]) * math.sqrt(sessions_per_year) for bps in grid)


def break_even_bps(result: Backtest, rows: np.ndarray) -> float:
    """Return the cost per traded weight at which the net Sharpe ratio is 0, other costs as they are, in bps.

    It is negative where the other costs alone eat the gross return, and NaN where nothing was traded.
    """
    before, traded = net_at(result, 0.0)[rows], result.traded[rows]
    known = np.isfinite(before) & np.isfinite(traded)
    if not traded[known].sum() > 0:
        return float("nan")
    return float(before[known].mean() / traded[known].mean() * 1e4)


def _sharpe(returns: FloatD) -> float:
    known = returns[np.isfinite(returns)]
    sd = float(known.std(ddof=1)) if known.size > 1 else 0.0
    return float(known.mean()) / sd if sd > 0 else float("nan")
