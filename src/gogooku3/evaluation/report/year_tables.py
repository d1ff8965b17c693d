"""One figure, year by year."""

from __future__ import annotations

from collections.abc import Callable

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.rows import STUB, group_starts, results, stub, untradable_rows
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import number
from gogooku3.evaluation.target_evaluation import PeriodEvaluation


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


def _year_table(
    evaluation: Evaluation, title: str, note: str, cell: Callable[[PeriodEvaluation], str]
) -> Table:
    """Return one figure per target and model over the whole period and every year."""
    rows = [[*stub(result), *map(cell, result.periods)] for result in results(evaluation)]
    columns = [*STUB, *("All" if period == "all" else period for period in evaluation.periods)]
    return Table(
        title=title,
        note=note,
        columns=columns,
        rows=rows,
        text_columns=3,
        groups=group_starts(evaluation),
        quiet=untradable_rows(evaluation),
    )
