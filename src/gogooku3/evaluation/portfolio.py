"""The default portfolio: overlapping tranches of each session's extreme buckets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolDN, FloatD, FloatDN, FloatN
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.buckets import quantile_buckets
from gogooku3.evaluation.portfolio_settings import PortfolioSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Portfolio:
    """Daily results as shares of the equity at the previous close; NaN before the first trade.

    Attributes:
        gross: Return from the previous close to this one, before costs, [D].
        net: ``gross`` less trading and borrowing costs of the session, [D].
        traded: Sum of absolute weight changes at this close, against the drifted weights, [D].
        borrow: Borrowing fee of the session, [D].
        unfilled: Share of this close's target weight that could not be entered, for want of a bar or a
            trade; NaN where there was no target, [D].
        ruined: Row on which the equity fell to zero or below, after which nothing is held; None if never.
    """

    gross: FloatD
    net: FloatD
    traded: FloatD
    borrow: FloatD
    unfilled: FloatD
    ruined: int | None

    @property
    def turnover(self) -> FloatD:
        """Half the sum of absolute weight changes, [D]."""
        half: FloatD = self.traded / 2
        return half


def simulate_portfolio(
    score: FloatDN,
    link: FloatDN,
    *,
    sessions: np.ndarray,
    horizon: int,
    lag: int,
    terminal_return: FloatN,
    last_bar: np.ndarray,
    settings: PortfolioSettings,
    traded: BoolDN | None = None,
) -> Portfolio:
    """Trade a score with ``horizon`` overlapping tranches.

    The score of session t is entered at the close of t + lag by tranche ``t mod horizon``, whose target is
    1 / horizon of the equity in each leg, equally weighted over the top (long) and the bottom (short) bucket.
    It is held, drifting with returns, until the same tranche is set to its next target at the close of
    t + lag + horizon. So its first return is that of session t + lag + 1.

    What cannot be traded is not traded: a stock whose ``link`` is missing on the trading session, or that
    nobody traded on it, keeps the position it has. A missing link earns 0 that day (the next one carries the
    whole move). A score without a ranking (too few names, or an empty extreme bucket) sends its tranche to
    cash. A stock that ended pays its terminal return (0, the last price, where none is known) on the session
    after its last bar, then is cash, untraded.
    Tranches share one account: the borrowing fee is on the net short position of each stock. Costs lower
    ``net`` only; weights are shares of the gross equity.

    Args:
        score: Scores [D, N], NaN where none.
        link: Gross total return from the previous bar, NaN where there is no bar or no trust, [D, N].
        sessions: datetime64[D] array, strictly increasing, [D].
        horizon: Sessions a tranche is held.
        lag: Sessions between score and entry.
        terminal_return: Return from the last close to what a holder received, NaN where unknown, [N].
        last_bar: Row of each stock's last bar in these grids, int64 [N]; may be negative or beyond
            the last row.
        settings: Buckets and costs.
        traded: True where something traded; a bar without volume repeats an old price that nobody could trade
            at. None for wherever there is a link, [D, N].

    Raises:
        EvaluationError: The shapes differ.
    """
    days = len(sessions)
    traded = np.isfinite(link) if traded is None else traded
    stocks = len(terminal_return)
    if not score.shape == link.shape == traded.shape == (days, stocks) or len(last_bar) != stocks:
        raise EvaluationError(
            "scores, links, sessions and stocks are not aligned",
            got=(score.shape, link.shape, traded.shape, days, stocks, len(last_bar)),
            expected="[D, N], [D, N], [D, N], D, N, N",
        )
    book = _Book(link, traded, terminal_return, last_bar, horizon)
    bucket = quantile_buckets(score, quantiles=settings.quantiles, min_names=settings.min_names)
    for row in range(days):
        book.mark(row)
        if book.ruined is not None:
            break
        if row >= lag:
            wanted = _target(bucket[row - lag], settings)
            book.trade(row, (row - lag) % horizon, wanted / horizon)
    return book.result(sessions, settings)


class _Book:
    """Units held per tranche, valued at an index of each stock's total return."""

    def __init__(
        self, link: FloatDN, traded: BoolDN, terminal_return: FloatN, last_bar: np.ndarray, horizon: int
    ) -> None:
        days, stocks = link.shape
        linked = np.isfinite(link)
        self.tradable: BoolDN = linked & traded
        growth = np.where(linked, link, 1.0)
        self.ended: dict[int, list[int]] = {}
        for stock in np.flatnonzero((last_bar >= 0) & (last_bar + 1 < days)):
            row = int(last_bar[stock]) + 1
            paid = terminal_return[stock]
            growth[row, stock] = 1.0 + paid if np.isfinite(paid) else 1.0
            self.ended.setdefault(row, []).append(int(stock))
        self.level: FloatDN = np.cumprod(growth, axis=0)
        self.units = np.zeros((horizon, stocks))
        self.total = np.zeros(stocks)
        self.equity = 1.0
        self.first: int | None = None
        self.ruined: int | None = None
        self.gross, self.traded, self.short = np.zeros(days), np.zeros(days), np.zeros(days)
        self.unfilled = np.full(days, np.nan)

    def mark(self, row: int) -> None:
        """Book the return from the previous close to this one."""
        if row == 0:
            return
        before = self.total * self.level[row - 1]
        profit = float(self.total @ (self.level[row] - self.level[row - 1]))
        self.short[row] = -np.minimum(before, 0.0).sum() / self.equity
        self.gross[row] = profit / self.equity
        self.equity += profit
        if self.equity <= 0:
            self.ruined = row
        if row in self.ended:
            self.units[:, self.ended[row]] = 0.0
            self.total[self.ended[row]] = 0.0

    def trade(self, row: int, tranche: int, target: FloatN) -> None:
        """Set one tranche to its target weights at this close, where trading allows it."""
        open_ = self.tradable[row]
        held = self.units[tranche] * self.level[row]
        wanted = np.where(open_, target * self.equity, held)
        self.traded[row] = np.abs(wanted - held).sum() / self.equity
        if self.first is None and self.traded[row] > 0:
            self.first = row
        whole = np.abs(target).sum()
        if whole > 0:
            self.unfilled[row] = np.abs(target[~open_]).sum() / whole
        np.divide(wanted, self.level[row], out=self.units[tranche], where=open_)
        self.total = self.units.sum(axis=0)

    def result(self, sessions: np.ndarray, settings: PortfolioSettings) -> Portfolio:
        """Return the daily series after costs."""
        elapsed = np.zeros(len(sessions))
        elapsed[1:] = np.diff(sessions).astype("timedelta64[D]").astype(np.int64)
        borrow = settings.borrow_bps_per_year * 1e-4 * self.short * elapsed / 365
        net = self.gross - settings.cost_bps * 1e-4 * self.traded - borrow
        before = np.arange(len(sessions)) < (len(sessions) if self.first is None else self.first)
        gross, net, traded, borrow = (
            np.where(before, np.nan, series) for series in (self.gross, net, self.traded, borrow)
        )
        return Portfolio(
            gross=gross, net=net, traded=traded, borrow=borrow, unfilled=self.unfilled, ruined=self.ruined
        )


def _target(bucket: np.ndarray, settings: PortfolioSettings) -> FloatN:
    """Return the weights of one session's ranking: long leg 1, short leg -1, or nothing at all, [N]."""
    long, short = bucket == settings.quantiles - 1, bucket == 0
    weights = np.zeros(len(bucket))
    if not long.any() or not (settings.long_only or short.any()):
        return weights
    weights[long] = 1.0 / long.sum()
    if not settings.long_only:
        weights[short] = -1.0 / short.sum()
    return weights
