"""An evaluation as one self-contained page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.leak_alarm import look_for_leaks
from gogooku3.evaluation.report.attainable import attainable_rank_ic
from gogooku3.evaluation.report.comparison_table import comparison_table
from gogooku3.evaluation.report.counting_table import counting_table
from gogooku3.evaluation.report.figures import figure_data
from gogooku3.evaluation.report.portfolio_table import portfolio_table
from gogooku3.evaluation.report.ranking_table import ranking_table
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.reference_table import reference_table
from gogooku3.evaluation.report.significance_table import significance_table
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.verdict import verdict
from gogooku3.evaluation.report.year_tables import rank_ic_by_year, sharpe_by_year, years_of
from gogooku3.labels.target import Target

Section = Mapping[str, object] | Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class _Plot:
    name: str
    title: str
    note: str


_PLOTS = (
    _Plot(
        "rank_ic",
        "Cumulative RankIC",
        (
            "The daily RankIC summed up: a steady rise is a ranking that keeps working, a flat stretch "
            "one that paused."
        ),
    ),
    _Plot(
        "deciles",
        "Return by decile",
        (
            "Mean return over the horizon of each tenth of the ranking, lowest scores left: it should "
            "climb evenly."
        ),
    ),
    _Plot(
        "equity",
        "Equity of the default portfolio",
        (
            "One unit compounded, solid after costs and dotted before: the gap between the two is what "
            "trading costs."
        ),
    ),
    _Plot(
        "drawdown",
        "Drawdown",
        (
            "How far the equity after costs stands below its highest point so far: deep and long is hard "
            "to hold on to."
        ),
    ),
    _Plot(
        "coverage",
        "Coverage",
        (
            "Share of each session's universe that has a score: a drop means that the model was blind to "
            "some stocks."
        ),
    ),
)


def render_report(
    evaluation: Evaluation,
    *,
    title: str,
    context: Mapping[str, Section] | None = None,
    references: Sequence[Reference] = (),
    attainable: Mapping[Target, float] | None = None,
) -> str:
    """Return one HTML page with everything inside: verdict, leak alarm, tables, plots and the run's context.

    Args:
        evaluation: What was measured.
        title: Heading of the page.
        context: How the run came about, a table per section: names and values, or rows with the same names.
        references: Figures measured elsewhere.
        attainable: Known attainable RankIC per target; scores named as the benchmark take precedence.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    known = attainable_rank_ic(evaluation, attainable)
    environment = Environment(
        loader=PackageLoader("gogooku3.evaluation.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    leading = [ranking_table(evaluation, known), comparison_table(evaluation), portfolio_table(evaluation)]
    leading += [rank_ic_by_year(evaluation), reference_table(evaluation, references)]
    return environment.get_template("report.html.j2").render(
        title=title,
        sentences=verdict(evaluation, known),
        leaks=look_for_leaks(evaluation.results, settings=evaluation.settings, attainable=known),
        span=f"{evaluation.sessions[0]} to {evaluation.sessions[-1]}, {len(evaluation.sessions)} sessions",
        tables=[table for table in leading if table is not None],
        more_tables=[
            sharpe_by_year(evaluation),
            significance_table(evaluation),
            counting_table(evaluation),
        ],
        plots=_PLOTS,
        years=[(str(target), years_of(evaluation, target)) for target in evaluation.targets],
        targets=[(str(target), _name(target)) for target in evaluation.targets],
        context=[_context_table(name, section) for name, section in (context or {}).items()],
        data=_embedded(figure_data(evaluation, known)),
        style=_resource("report.css"),
        script=_resource("report.js"),
        plotly=_plotly(),
    )


def _name(target: Target) -> str:
    plural = "" if target.horizon == 1 else "s"
    return f"{target.horizon} session{plural}, lag {target.lag}"


def _context_table(name: str, section: Section) -> Table:
    if isinstance(section, Mapping):
        rows = [[str(key), _text(value)] for key, value in section.items()]
        return Table(title=name, note="", columns=["Name", "Value"], rows=rows, text_columns=2)
    columns = list(section[0]) if section else []
    if any(list(row) != columns for row in section):
        raise EvaluationError(
            "the rows of a context table differ in their columns", where=name, expected=columns
        )
    rows = [[_text(row[column]) for column in columns] for row in section]
    return Table(title=name, note="", columns=columns, rows=rows, text_columns=len(columns))


def _text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _embedded(data: Mapping[str, Any]) -> str:
    """Return JSON that no HTML parser can mistake for markup."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _resource(name: str) -> str:
    return (files("gogooku3.evaluation.report") / name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script
