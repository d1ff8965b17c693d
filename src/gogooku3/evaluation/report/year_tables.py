"""Figures year by year."""

from __future__ import annotations

from collections.abc import Callable

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.rows import STUB, group_starts, results, stub, untradable_rows
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import number, percent
from gogooku3.evaluation.target_evaluation import PeriodEvaluation
from gogooku3.labels.target import Target


def rank_ic_by_year(evaluation: Evaluation) -> Table:
    """Return RankIC per year."""
    return _year_table(
        evaluation,
        "RankIC by year",
        "A ranking that holds up is positive in every year, not carried by one.",
        lambda period: number(period.rank_ic.mean),
    )


def sharpe_by_year(evaluation: Evaluation) -> Table:
    """Return the annual net Sharpe ratio per year."""
    return _year_table(
        evaluation,
        "Annual net Sharpe ratio by year",
        "The default portfolio after costs; a single year's Sharpe ratio has a standard error of about 1.",
        lambda period: number(period.portfolio.sharpe_annual, 2),
    )


def years_of(evaluation: Evaluation, target: Target) -> Table:
    """Return everything measured per year at one target, a group of rows a model."""
    known = (evaluation.find(model, target) for model in evaluation.models)
    found = [result for result in known if result is not None]
    rows = [
        [
            result.model,
            _year(period.period),
            number(period.rank_ic.mean),
            number(period.ic.mean),
            percent(period.spread.mean, 2),
            percent(period.portfolio.turnover),
            percent(period.portfolio.gross_annual),
            percent(period.portfolio.net_annual),
        ]
        for result in found
        for period in result.periods
    ]
    columns = ["Model", "Year", "RankIC", "IC", "Decile spread", "Turnover a session"]
    return Table(
        title=f"Year by year, {target}",
        note=(
            "Decile spread over the horizon; gross and net are the default portfolio's mean daily return times "
            "the sessions of a year."
        ),
        columns=[*columns, "Gross a year", "Net a year"],
        rows=rows,
        text_columns=2,
        groups=frozenset(len(evaluation.periods) * index for index in range(1, len(found))),
    )


def _year(period: str) -> str:
    return "All" if period == "all" else period


def _year_table(
    evaluation: Evaluation, title: str, note: str, cell: Callable[[PeriodEvaluation], str]
) -> Table:
    """Return one figure per target and model over the whole period and every year."""
    rows = [[*stub(result), *map(cell, result.periods)] for result in results(evaluation)]
    columns = [*STUB, *map(_year, evaluation.periods)]
    return Table(
        title=title,
        note=note,
        columns=columns,
        rows=rows,
        text_columns=3,
        groups=group_starts(evaluation),
        quiet=untradable_rows(evaluation),
    )
