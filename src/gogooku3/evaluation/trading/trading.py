"""What a score would have earned."""

from __future__ import annotations

from dataclasses import dataclass

from gogooku3.axes import FloatD
from gogooku3.evaluation.backtest.backtest_summary import BacktestSummary
from gogooku3.evaluation.backtest.capacity import CapacityPoint
from gogooku3.evaluation.backtest.relative import RelativeSummary
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.labels.target import Target


@dataclass(frozen=True, kw_only=True)
class BookYear:
    """A calendar year of a book."""

    year: str
    net_annual: float
    sharpe_annual: float
    max_drawdown: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Book:
    """A score traded in one way.

    Attributes:
        name: Such as ``decile long-short, next close``.
        text: What is done, in one sentence.
        settings: The same, exactly.
        summary: Over the whole period.
        years: Each calendar year.
        relative: Against equal weights in the universe; None for long-short books.
        net: Daily net return, NaN before the first trade, [D].
        ruined: Date on which the equity fell to zero or below, after which nothing is held; None if never.
    """

    name: str
    text: str
    settings: BacktestSettings
    summary: BacktestSummary
    years: tuple[BookYear, ...]
    relative: RelativeSummary | None
    net: FloatD
    ruined: str | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A book that the data cannot carry, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Trading:
    """One model at one target, traded in several ways.

    Attributes:
        model: Name of the scores.
        target: Horizon, which is the holding time, and lag.
        books: The default portfolio first.
        capacity: Of the account with impact, by rising capital; empty without prices and turnover.
        left_out: Books that the data cannot carry.
    """

    model: str
    target: Target
    books: tuple[Book, ...]
    capacity: tuple[CapacityPoint, ...]
    left_out: tuple[LeftOut, ...] = ()
