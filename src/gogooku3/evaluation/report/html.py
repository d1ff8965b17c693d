"""Evidence as one self-contained page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.comparable import comparability, differences
from gogooku3.evaluation.report.context_table import context_table
from gogooku3.evaluation.report.figures import MOST_POINTS, figure_data
from gogooku3.evaluation.report.part import ContextSection, Part, as_evidence
from gogooku3.evaluation.report.plots import plots
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.sections import sections
from gogooku3.evaluation.report.side_by_side_table import side_by_side_table
from gogooku3.evaluation.report.year_tables import years_of
from gogooku3.labels.target import Target

_MOST_BYTES = 8_000_000
_FEWEST_POINTS = 2_000


def render_report(
    measured: Evidence | Evaluation,
    *,
    title: str,
    context: Mapping[str, ContextSection] | None = None,
    references: Sequence[Reference] = (),
    attainable: Mapping[Target, float] | None = None,
) -> str:
    """Return one HTML page with everything inside: verdict, leak alarm, tables, plots and the run's context.

    Args:
        measured: What was measured; an evaluation alone gives a page without the sections of the rest.
        title: Heading of the page.
        context: How the run came about, a table per section: names and values, or rows with the same names.
        references: Figures measured elsewhere.
        attainable: Known attainable RankIC per target; scores named as the benchmark take precedence.

    Raises:
        EvaluationError: The rows of a context section differ in their columns, or the page would be above 8 MB.
    """
    part = Part(
        title=title,
        evidence=as_evidence(measured),
        context=context or {},
        references=references,
        attainable=attainable,
    )
    return render_parts([part], title=title)


def render_parts(parts: Sequence[Part], *, title: str) -> str:
    """Return one page of one or several runs: those of several are first set side by side.

    Args:
        parts: The runs, in the order of the page.
        title: Heading of the page.

    Raises:
        EvaluationError: There is no run, the rows of a context section differ in their columns, or the page would
            be above 8 MB.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    if not parts:
        raise EvaluationError("there is nothing to report on", expected="at least one run")
    environment = Environment(
        loader=PackageLoader("gogooku3.evaluation.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    resources = {"style": _resource("report.css"), "script": _resource("report.js"), "plotly": _plotly()}
    views = [_view(part, f"r{number}-") for number, part in enumerate(parts, 1)]
    several = len(parts) > 1
    points = MOST_POINTS // len(parts)
    while points >= _FEWEST_POINTS:
        page = template.render(
            title=title,
            parts=views,
            together=_together(parts) if several else None,
            data=_embedded([figure_data(part.evidence, part.known, most_points=points) for part in parts]),
            **resources,
        )
        if len(page.encode()) < _MOST_BYTES:
            return page
        points //= 4
    raise EvaluationError(
        "the page is too large",
        got=f"{len(page.encode()):,} bytes for {len(parts)} runs",
        expected=f"less than {_MOST_BYTES:,}",
        remedy="report on fewer runs at once",
    )


def _view(part: Part, prefix: str) -> dict[str, Any]:
    """Return what the template shows of a run; ids of the page begin with ``prefix``."""
    evaluation = part.evidence.evaluation
    leading, *rest = sections(part)
    return {
        "prefix": prefix,
        "title": part.title,
        "span": f"{evaluation.sessions[0]} to {evaluation.sessions[-1]}, {len(evaluation.sessions)} sessions",
        "sentences": part.sentences,
        "leaks": part.leaks,
        "leading": leading,
        "sections": rest,
        "plots": plots(part.evidence),
        "years": [(str(target), years_of(evaluation, target)) for target in evaluation.targets],
        "targets": [(str(target), _name(target)) for target in evaluation.targets],
        "context": [context_table(name, section) for name, section in part.context.items()],
    }


def _together(parts: Sequence[Part]) -> dict[str, Any]:
    differing = differences(parts)
    return {
        "comparability": comparability(differing),
        "differences": differing,
        "headlines": [(part.title, part.headline) for part in parts],
        "figures": side_by_side_table(parts),
    }


def _name(target: Target) -> str:
    plural = "" if target.horizon == 1 else "s"
    return f"{target.horizon} session{plural}, lag {target.lag}"


def _embedded(data: Sequence[Mapping[str, Any]]) -> str:
    """Return JSON that no HTML parser can mistake for markup."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _resource(name: str) -> str:
    return (files("gogooku3.evaluation.report") / name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script
