"""An evaluation as Markdown: the leak alarm, then tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.leak_alarm import LeakCheck, look_for_leaks
from gogooku3.evaluation.report.attainable import attainable_rank_ic
from gogooku3.evaluation.report.comparison_table import comparison_table
from gogooku3.evaluation.report.portfolio_table import portfolio_table
from gogooku3.evaluation.report.ranking_table import ranking_table
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.reference_table import reference_table
from gogooku3.evaluation.report.table import escaped
from gogooku3.evaluation.report.year_tables import rank_ic_by_year, sharpe_by_year
from gogooku3.labels.target import Target


def to_markdown(
    evaluation: Evaluation,
    *,
    references: Sequence[Reference] = (),
    attainable: Mapping[Target, float] | None = None,
) -> str:
    """Return the leak alarm and the report's main tables, for a page of results."""
    known = attainable_rank_ic(evaluation, attainable)
    tables = [
        ranking_table(evaluation, known),
        comparison_table(evaluation),
        portfolio_table(evaluation),
        rank_ic_by_year(evaluation),
        sharpe_by_year(evaluation),
        reference_table(evaluation, references),
    ]
    leaks = look_for_leaks(evaluation.results, settings=evaluation.settings, attainable=known)
    return "\n".join([_alarms(leaks), *(table.to_markdown() for table in tables if table is not None)])


def _alarms(leaks: LeakCheck) -> str:
    lines = [f"**{leaks.headline}.** {escaped(leaks.explanation)}"]
    for alarm in leaks.alarms:
        lines += [
            "",
            f"**{escaped(alarm.text)}** Likely causes:",
            "",
            *(f"- {cause}" for cause in alarm.causes),
        ]
    return "\n".join(lines) + "\n"
