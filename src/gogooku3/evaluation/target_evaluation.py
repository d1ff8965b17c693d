"""One model at one horizon and lag."""

from __future__ import annotations

from dataclasses import dataclass

from gogooku3.axes import FloatD
from gogooku3.evaluation.daily_correlation import DailyCorrelation
from gogooku3.evaluation.deciles import DailyDeciles
from gogooku3.evaluation.portfolio import Portfolio
from gogooku3.evaluation.portfolio_summary import PortfolioSummary
from gogooku3.evaluation.summary import SeriesSummary
from gogooku3.labels.target import Target


@dataclass(frozen=True, kw_only=True)
class PeriodEvaluation:
    """Everything measured over one period.

    Attributes:
        period: ``all`` or a calendar year.
        rank_ic, ic, spread: Daily series in a few numbers; their ratio is the ICIR.
        decile_means: Mean label of each bucket, lowest scores first.
        monotonicity: Spearman's correlation of bucket index and bucket mean.
        hit_rate: Share of (session, stock) pairs on the same side of their day's means.
        portfolio: The default portfolio.
        coverage: Mean share of the universe that has a score, over sessions with a universe.
        coverage_min: The smallest of these shares.
        too_few: Sessions with too few names.
        constant: Sessions on which every score was the same.
        constant_label: Sessions on which every label was the same.
    """

    period: str
    rank_ic: SeriesSummary
    ic: SeriesSummary
    spread: SeriesSummary
    decile_means: tuple[float, ...]
    monotonicity: float
    hit_rate: float
    portfolio: PortfolioSummary
    coverage: float
    coverage_min: float
    too_few: int
    constant: int
    constant_label: int


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetEvaluation:
    """The daily series of one model at one target, and their summaries.

    Attributes:
        model: Name of the scores.
        target: Horizon and lag.
        rank_ic, ic: Daily correlations.
        deciles: Daily bucket returns.
        portfolio: Daily portfolio results.
        coverage: Share of the universe that has a score, NaN where the universe is empty, [D].
        periods: The whole period first, then each calendar year.
    """

    model: str
    target: Target
    rank_ic: DailyCorrelation
    ic: DailyCorrelation
    deciles: DailyDeciles
    portfolio: Portfolio
    coverage: FloatD
    periods: tuple[PeriodEvaluation, ...]

    @property
    def whole(self) -> PeriodEvaluation:
        """The whole period."""
        return self.periods[0]
