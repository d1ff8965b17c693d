"""The ways in which every score is traded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.evaluation.backtest.cost_settings import CostSettings
from gogooku3.evaluation.backtest.fill_settings import FillSettings
from gogooku3.evaluation.backtest.presets import tokyo_account
from gogooku3.evaluation.backtest.schedule_settings import ScheduleSettings
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.portfolio_settings import PortfolioSettings
from gogooku3.evaluation.trading.amount import amount
from gogooku3.evaluation.trading.settings import TradingSettings
from gogooku3.labels.target import Target

_SHARES = {10: "decile", 5: "quintile", 4: "quartile", 3: "tercile", 2: "half"}
_Side = Literal["long_short", "long_only"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One way to trade a score.

    Attributes:
        name, text: As in ``Book``.
        settings: The same, exactly.
    """

    name: str
    text: str
    settings: BacktestSettings


def standard_plans(
    target: Target, settings: TradingSettings, portfolio: PortfolioSettings
) -> tuple[Plan, ...]:
    """Return the standard books of a target: the default portfolio, its variants, the account.

    All hold for the target's horizon. The default portfolio is that of ``simulate_portfolio`` and so fills orders on
    days locked at the daily limit; the others do not. At lag 0 the opening traded at is the next session's.

    Args:
        target: Horizon and lag.
        settings: Sizes.
        portfolio: The default portfolio.
    """
    return tuple(_Plans(target, settings, portfolio).all())


class _Plans:
    def __init__(self, target: Target, settings: TradingSettings, portfolio: PortfolioSettings) -> None:
        self.target, self.settings, self.portfolio = target, settings, portfolio
        self.side: _Side = "long_only" if portfolio.long_only else "long_short"
        self.bucket = _SHARES.get(portfolio.quantiles, f"1/{portfolio.quantiles}")
        self.close = ScheduleSettings(holding=target.horizon, lag=target.lag)

    def all(self) -> Iterator[Plan]:
        yield from self._default()
        yield from self._variants()
        yield from self._long_only()
        yield from self._accounts()

    def _default(self) -> Iterator[Plan]:
        legs = f"{self.bucket} {_said(self.side)}"
        short = "" if self.portfolio.long_only else f" against the bottom {self.bucket}"
        yield Plan(
            name=f"{legs}, {_close(self.target.lag)}",
            text=f"the default portfolio: the top {self.bucket}{short}, equally weighted, in {self.target.horizon} "
            f"overlapping tranches, at {self.portfolio.cost_bps:g} bps per traded weight.",
            settings=self._weights(self._buckets(self.side), fills=FillSettings(limit_move=None)),
        )

    def _variants(self) -> Iterator[Plan]:
        legs = f"{self.bucket} {_said(self.side)}"
        at_open = ScheduleSettings(holding=self.target.horizon, lag=max(self.target.lag, 1), entry="open")
        opening = "next open" if at_open.lag == 1 else f"open {at_open.lag} sessions later"
        yield Plan(
            name=f"{legs}, sector-neutral",
            text="ranked within sectors, so that no bet on a sector is left.",
            settings=self._weights(self._buckets(self.side, sector_neutral=True)),
        )
        yield Plan(
            name=f"{legs}, {opening}",
            text="entered at the opening price instead of the close.",
            settings=self._weights(self._buckets(self.side), schedule=at_open),
        )
        yield Plan(
            name=f"rank-weighted {_said(self.side)}",
            text="all names, weighted by the distance of their rank from the middle.",
            settings=self._weights(
                ConstructionSettings(kind="rank", side=self.side, min_names=self.portfolio.min_names)
            ),
        )
        yield Plan(
            name=f"top {self.settings.k} long-short",
            text=f"the {self.settings.k} best names against the {self.settings.k} worst.",
            settings=self._weights(self._top("long_short")),
        )

    def _long_only(self) -> Iterator[Plan]:
        cap = f"no stock above {100 * self.settings.max_weight:g} %"
        most = self.settings.max_weight
        yield Plan(
            name=f"{self.bucket} long-only",
            text=f"the top {self.bucket} alone, {cap}.",
            settings=self._weights(self._buckets("long_only", max_weight=most)),
        )
        yield Plan(
            name=f"top {self.settings.k} long-only",
            text=f"the {self.settings.k} best names alone, {cap}.",
            settings=self._weights(self._top("long_only", max_weight=most)),
        )

    def _accounts(self) -> Iterator[Plan]:
        chosen = self.settings
        capital = f"account of {amount(chosen.capital)}"
        lots = f"in lots of {chosen.lot} shares" if chosen.lot else "in fractions of shares"
        pays = (
            f"{lots}, at the next open, at most a tenth of the daily turnover, paying 1 bp, spread and impact"
        )
        both = self._buckets("long_short")
        alone = self._top("long_only", max_weight=chosen.max_weight)
        fee = f"{chosen.borrow_bps_per_year:g} bps a year for borrowing"
        yield Plan(
            name=f"{capital}, {self.bucket} long-short",
            text=f"{pays}, and {fee}.",
            settings=self._account(both),
        )
        yield Plan(
            name=f"{capital}, top {chosen.k} long-only", text=f"{pays}.", settings=self._account(alone)
        )

    def _account(self, construction: ConstructionSettings) -> BacktestSettings:
        return tokyo_account(
            self.settings.capital,
            holding=self.target.horizon,
            lag=max(self.target.lag, 1),
            lot=self.settings.lot,
            borrow_bps_per_year=self.settings.borrow_bps_per_year,
            construction=construction,
        )

    def _buckets(
        self, side: _Side, *, sector_neutral: bool = False, max_weight: float | None = None
    ) -> ConstructionSettings:
        return ConstructionSettings(
            kind="decile",
            side=side,
            quantiles=self.portfolio.quantiles,
            min_names=self.portfolio.min_names,
            sector_neutral=sector_neutral,
            max_weight=max_weight,
        )

    def _top(self, side: _Side, *, max_weight: float | None = None) -> ConstructionSettings:
        return ConstructionSettings(
            kind="top_k",
            k=self.settings.k,
            side=side,
            min_names=self.portfolio.min_names,
            max_weight=max_weight,
        )

    def _weights(
        self,
        construction: ConstructionSettings,
        *,
        schedule: ScheduleSettings | None = None,
        fills: FillSettings | None = None,
    ) -> BacktestSettings:
        fee = self.portfolio.borrow_bps_per_year if construction.side == "long_short" else 0.0
        return BacktestSettings(
            construction=construction,
            schedule=self.close if schedule is None else schedule,
            fills=FillSettings() if fills is None else fills,
            costs=CostSettings(bps=self.portfolio.cost_bps, borrow_bps_per_year=fee),
        )


def _said(side: _Side) -> str:
    return side.replace("_", "-")


def _close(lag: int) -> str:
    names = {0: "same close", 1: "next close"}
    return names.get(lag, f"close {lag} sessions later")
