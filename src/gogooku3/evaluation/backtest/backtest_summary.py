"""A backtest in a few numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.evaluation.backtest.backtest import Backtest
from gogooku3.evaluation.backtest.cost_curve import break_even_bps, sharpe_by_cost
from gogooku3.evaluation.portfolio_summary import max_drawdown
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import SeriesSummary, summarise


@dataclass(frozen=True, kw_only=True)
class BacktestSummary:
    """Results over some sessions; NaN where nothing was traded yet.

    Attributes:
        gross, net: Daily returns; ``net.ratio`` is the daily Sharpe ratio.
        gross_annual, net_annual: Means times the sessions of a year.
        commission_annual, spread_annual, impact_annual, borrow_annual: Means times the sessions of a year.
        sharpe_daily: Mean over standard deviation of daily net returns.
        sharpe_annual: ``sharpe_daily`` times the square root of the sessions of a year.
        sharpe_annual_gross: The same before costs.
        sharpe_by_cost: Annual net Sharpe ratio at 0, 5, ... 50 bps per traded weight.
        break_even_bps: The cost per traded weight at which the net Sharpe ratio is 0.
        max_drawdown: Largest fall of the compounded net equity from its running peak, a positive share.
        turnover: Mean of half the sum of absolute changes, per session.
        long, short: Mean value of each leg over the equity.
        long_names, short_names: Mean number of stocks in each leg.
        unfilled: Mean share of the target weight that was not reached.
        unranked: Sessions whose score has no ranking.
        orders, halted, locked, unborrowable, limited, unaffordable: Totals of ``Refusals``.
    """

    gross: SeriesSummary
    net: SeriesSummary
    gross_annual: float
    net_annual: float
    commission_annual: float
    spread_annual: float
    impact_annual: float
    borrow_annual: float
    sharpe_daily: float
    sharpe_annual: float
    sharpe_annual_gross: float
    sharpe_by_cost: tuple[float, ...]
    break_even_bps: float
    max_drawdown: float
    turnover: float
    long: float
    short: float
    long_names: float
    short_names: float
    unfilled: float
    unranked: int
    orders: int
    halted: int
    locked: int
    unborrowable: int
    limited: int
    unaffordable: int


def summarise_backtest(
    result: Backtest, rows: np.ndarray, *, sessions_per_year: float, settings: EvaluationSettings
) -> BacktestSummary:
    """Summarise a backtest over the sessions selected by the mask ``rows``, [D].

    Daily returns of overlapping tranches do not overlap themselves, so their tests use a horizon of 1.
    """
    gross = summarise(result.gross[rows], horizon=1, settings=settings)
    net = summarise(result.net[rows], horizon=1, settings=settings)
    scale = math.sqrt(sessions_per_year)

    def mean(name: str) -> float:
        series = getattr(result, name)[rows]
        known = series[np.isfinite(series)]
        return float(known.mean()) if known.size else float("nan")

    def total(name: str) -> int:
        return int(getattr(result.refusals, name)[rows].sum())

    return BacktestSummary(
        gross=gross,
        net=net,
        gross_annual=gross.mean * sessions_per_year,
        net_annual=net.mean * sessions_per_year,
        commission_annual=mean("commission") * sessions_per_year,
        spread_annual=mean("spread") * sessions_per_year,
        impact_annual=mean("impact") * sessions_per_year,
        borrow_annual=mean("borrow") * sessions_per_year,
        sharpe_daily=net.ratio,
        sharpe_annual=net.ratio * scale,
        sharpe_annual_gross=gross.ratio * scale,
        sharpe_by_cost=sharpe_by_cost(result, rows, sessions_per_year=sessions_per_year),
        break_even_bps=break_even_bps(result, rows),
        max_drawdown=max_drawdown(result.net[rows]),
        turnover=mean("turnover"),
        long=mean("long"),
        short=mean("short"),
        long_names=mean("long_names"),
        short_names=mean("short_names"),
        unfilled=mean("unfilled"),
        unranked=int((~result.ranked[rows]).sum()),
        orders=total("orders"),
        halted=total("halted"),
        locked=total("locked"),
        unborrowable=total("unborrowable"),
        limited=total("limited"),
        unaffordable=total("unaffordable"),
    )
