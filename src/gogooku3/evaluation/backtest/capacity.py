"""How much money a score can carry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.prepared import Prepared
from gogooku3.evaluation.backtest.simulate import run


@dataclass(frozen=True, kw_only=True)
class CapacityPoint:
    """A backtest with one capital.

    Attributes:
        capital: Currency units.
        net_annual: Mean net return times the sessions of a year.
        sharpe_annual: Net Sharpe ratio times the square root of the sessions of a year.
        cost_annual: Mean of all costs times the sessions of a year.
        unfilled: Mean share of the target weight that was not reached.
        invested: Mean value of both legs over the equity; small where lots are too large
            for the capital, NaN where nothing was traded.
    """

    capital: float
    net_annual: float
    sharpe_annual: float
    cost_annual: float
    unfilled: float
    invested: float


def capacity_curve(
    prepared: Prepared, capitals: Sequence[float], rows: np.ndarray, *, sessions_per_year: float
) -> tuple[CapacityPoint, ...]:
    """Run a prepared backtest with each capital.

    Args:
        prepared: As of ``prepare``; its settings must have impact, a largest participation or lots.
        capitals: Currency units, rising.
        rows: Mask of the sessions that count, [D].
        sessions_per_year: For the scale.

    Raises:
        EvaluationError: The capital has no effect on the result, or capitals do not rise.
    """
    settings = prepared.settings
    if not (settings.needs_capital or settings.account.lot):
        raise EvaluationError(
            "the capital has no effect on this backtest",
            got="neither impact, nor a largest participation, nor lots",
            remedy="choose impact = power",
        )
    if not capitals or (np.diff(capitals) <= 0).any():
        raise EvaluationError("capitals do not rise", got=list(capitals), expected="rising amounts")
    return tuple(_point(prepared, float(capital), rows, sessions_per_year) for capital in capitals)


def _point(prepared: Prepared, capital: float, rows: np.ndarray, per_year: float) -> CapacityPoint:
    result = run(prepared, capital=capital)
    net = result.net[rows]
    net = net[np.isfinite(net)]
    sd = float(net.std(ddof=1)) if net.size > 1 else 0.0
    return CapacityPoint(
        capital=capital,
        net_annual=_mean(net) * per_year,
        sharpe_annual=_mean(net) / sd * math.sqrt(per_year) if sd > 0 else float("nan"),
        cost_annual=_mean((result.gross - result.net)[rows]) * per_year,
        unfilled=_mean(result.unfilled[rows]),
        invested=_mean((result.long + result.short)[rows]),
    )


def _mean(series: np.ndarray) -> float:
    known = series[np.isfinite(series)]
    return float(known.mean()) if known.size else float("nan")
