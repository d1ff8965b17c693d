"""A portfolio in a few numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatD
from gogooku3.evaluation.portfolio import Portfolio
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import SeriesSummary, summarise

_NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class PortfolioSummary:
    """Results over some sessions; NaN where nothing was traded yet.

    Attributes:
        gross: Daily gross return.
        net: Daily net return; its ratio is ``sharpe_daily``.
        gross_annual: Mean gross return times the sessions of a year.
        net_annual: Mean net return times the sessions of a year.
        turnover: Mean of half the sum of absolute weight changes, per session.
        sharpe_daily: Mean over standard deviation of daily net returns.
        sharpe_annual: ``sharpe_daily`` times the square root of the sessions of a year.
        sharpe_annual_gross: The same before costs.
        break_even_bps: The cost at which the net Sharpe ratio is 0; negative where it loses before costs.
        max_drawdown: Largest fall of the compounded net equity from its running peak, a positive share.
        unfilled: Mean share of target weight that could not be entered, for want of a bar or a trade.
    """

    gross: SeriesSummary
    net: SeriesSummary
    gross_annual: float
    net_annual: float
    turnover: float
    sharpe_daily: float
    sharpe_annual: float
    sharpe_annual_gross: float
    break_even_bps: float
    max_drawdown: float
    unfilled: float


def summarise_portfolio(
    portfolio: Portfolio, rows: np.ndarray, *, sessions_per_year: float, settings: EvaluationSettings
) -> PortfolioSummary:
    """Summarise a portfolio over the sessions selected by the mask ``rows``, [D].

    Daily returns of overlapping tranches do not overlap themselves, so their tests use a horizon of 1.
    """
    gross = summarise(portfolio.gross[rows], horizon=1, settings=settings)
    net = summarise(portfolio.net[rows], horizon=1, settings=settings)
    scale = math.sqrt(sessions_per_year)
    return PortfolioSummary(
        gross=gross,
        net=net,
        gross_annual=gross.mean * sessions_per_year,
        net_annual=net.mean * sessions_per_year,
        turnover=_mean(portfolio.turnover[rows]),
        sharpe_daily=net.ratio,
        sharpe_annual=net.ratio * scale,
        sharpe_annual_gross=gross.ratio * scale,
        break_even_bps=break_even_bps(portfolio, rows),
        max_drawdown=max_drawdown(portfolio.net[rows]),
        unfilled=_mean(portfolio.unfilled[rows]),
    )


def break_even_bps(portfolio: Portfolio, rows: np.ndarray) -> float:
    """Return the cost per traded weight, in basis points, at which the mean net return is 0."""
    traded = _mean(portfolio.traded[rows])
    if not traded > 0:
        return _NAN
    return _mean((portfolio.gross - portfolio.borrow)[rows]) / traded * 1e4


def max_drawdown(returns: FloatD) -> float:
    """Return the largest fall of the compounded equity from its running peak, NaN without a return."""
    depth = drawdown(returns)
    depth = depth[np.isfinite(depth)]
    return float(-depth.min()) if depth.size else _NAN


def drawdown(returns: FloatD) -> FloatD:
    """Return the fall of the compounded equity from its running peak: 0 or negative, NaN as given, [D]."""
    known = np.isfinite(returns)
    equity = np.cumprod(np.maximum(1.0 + np.where(known, returns, 0.0), 0.0))
    peak = np.maximum.accumulate(np.maximum(equity, 1.0))
    return np.where(known, equity / peak - 1.0, np.nan)


def sessions_per_year(sessions: np.ndarray) -> float:
    """Return the sessions of a year as measured from the given ones, NaN for fewer than two."""
    if len(sessions) < 2:
        return _NAN
    span = int((sessions[-1] - sessions[0]).astype("timedelta64[D]").astype(np.int64))
    return (len(sessions) - 1) / span * 365.25


def _mean(series: np.ndarray) -> float:
    finite = series[np.isfinite(series)]
    return float(finite.mean()) if finite.size else _NAN
