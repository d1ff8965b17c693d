"""From a score to its standard books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gogooku3.axes import BoolDN, FloatD, FloatDN
from gogooku3.evaluation.backtest.backtest_summary import summarise_backtest
from gogooku3.evaluation.backtest.benchmark_return import universe_return
from gogooku3.evaluation.backtest.capacity import CapacityPoint, capacity_curve
from gogooku3.evaluation.backtest.cost_grids import CostGrids, cost_grids
from gogooku3.evaluation.backtest.prepared import Prepared, prepare
from gogooku3.evaluation.backtest.relative import compare_with_benchmark
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.simulate import run
from gogooku3.evaluation.backtest.tape import Tape
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.trading.book_years import book_years
from gogooku3.evaluation.trading.obstacle import obstacle
from gogooku3.evaluation.trading.plan import Plan, standard_plans
from gogooku3.evaluation.trading.settings import TradingSettings
from gogooku3.evaluation.trading.trading import Book, LeftOut, Trading
from gogooku3.labels.target import Target


def trade_score(
    model: str,
    target: Target,
    score: FloatDN,
    tape: Tape,
    universe: BoolDN,
    *,
    settings: TradingSettings,
    evaluation: EvaluationSettings,
    sessions_per_year: float,
    costs: CostGrids | None = None,
) -> Trading:
    """Trade a score in every standard way; see ``standard_plans``.

    Args:
        model: Name of the scores.
        target: Horizon, which is the holding time, and lag.
        score: Scores [D, N], NaN where none; that of a session may use anything known at its close.
        tape: What is traded on.
        universe: Membership as of each session's close: the benchmark holds all of it, [D, N].
        settings: Sizes of the books.
        evaluation: The default portfolio, and how uncertainty is measured.
        sessions_per_year: For the scale.
        costs: As of ``account_costs`` of the same tape, to be shared by many scores; made if not given.

    Raises:
        EvaluationError: Score or universe are not aligned with the tape.
    """
    plans = standard_plans(target, settings, evaluation.portfolio)
    desk = _Desk(
        score=score,
        tape=tape,
        benchmark=universe_return(tape, universe),
        evaluation=evaluation,
        per_year=sessions_per_year,
        costs=account_costs(tape, settings) if costs is None else costs,
    )
    books: list[Book] = []
    left_out: list[LeftOut] = []
    for plan in plans:
        reason = obstacle(plan.settings, score, tape)
        traded = (
            desk.book(plan, always=plan is plans[0])
            if reason is None
            else LeftOut(name=plan.name, reason=reason)
        )
        if isinstance(traded, Book):
            books.append(traded)
        else:
            left_out.append(traded)
    return Trading(
        model=model,
        target=target,
        books=tuple(books),
        capacity=desk.capacity(plans, settings),
        left_out=tuple(left_out),
    )


def account_costs(tape: Tape, settings: TradingSettings) -> CostGrids | None:
    """Return the cost inputs of the account, which all scores on a tape share; None where it has none.

    Args:
        tape: What is traded on.
        settings: Sizes of the books.
    """
    plans = standard_plans(Target(1, 1), settings, EvaluationSettings().portfolio)
    nothing = np.zeros(tape.link.shape)
    for plan in plans:
        if plan.settings.needs_capital and obstacle(plan.settings, nothing, tape) is None:
            return cost_grids(tape, plan.settings)
    return None


@dataclass(frozen=True, eq=False, kw_only=True)
class _Desk:
    """What all books of a score share."""

    score: FloatDN
    tape: Tape
    benchmark: FloatD
    evaluation: EvaluationSettings
    per_year: float
    costs: CostGrids | None

    def book(self, plan: Plan, *, always: bool) -> Book | LeftOut:
        """Return a book, or why there is none if nothing was ever traded in it."""
        result = run(self._prepared(plan.settings))
        if not np.isfinite(result.net).any() and not always:
            ranked = "no order was ever filled" if result.ranked.any() else "no session could be ranked so"
            return LeftOut(name=plan.name, reason=ranked)
        every = np.ones(len(result.net), dtype=bool)
        alone = plan.settings.construction.side == "long_only"
        return Book(
            name=plan.name,
            text=plan.text,
            settings=plan.settings,
            summary=summarise_backtest(
                result, every, sessions_per_year=self.per_year, settings=self.evaluation
            ),
            years=book_years(self.tape.sessions, result.net, sessions_per_year=self.per_year),
            relative=compare_with_benchmark(result.net, self.benchmark, sessions_per_year=self.per_year)
            if alone
            else None,
            net=result.net,
            ruined=None if result.ruined is None else str(self.tape.sessions[result.ruined]),
        )

    def capacity(self, plans: Sequence[Plan], settings: TradingSettings) -> tuple[CapacityPoint, ...]:
        """Return the curve of the first account, nothing where the data cannot carry it."""
        account = next(plan.settings for plan in plans if plan.settings.needs_capital)
        if not settings.capitals or obstacle(account, self.score, self.tape) is not None:
            return ()
        every = np.ones(len(self.tape.sessions), dtype=bool)
        prepared = self._prepared(account)
        return capacity_curve(prepared, settings.capitals, every, sessions_per_year=self.per_year)

    def _prepared(self, settings: BacktestSettings) -> Prepared:
        tape = self.tape
        if settings.construction.side == "long_only" and tape.borrowable is not None:
            tape = replace(tape, borrowable=None)  # nothing is borrowed
        return prepare(self.score, tape, settings, costs=self.costs if settings.needs_capital else None)
