"""The tables of a report, in the order of somebody who will bet on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gogooku3.evaluation.report.anatomy_tables import anatomy_tables
from gogooku3.evaluation.report.comparison_table import comparison_table
from gogooku3.evaluation.report.counting_table import counting_table
from gogooku3.evaluation.report.drift_tables import drift_tables
from gogooku3.evaluation.report.part import Part
from gogooku3.evaluation.report.portfolio_table import portfolio_table
from gogooku3.evaluation.report.ranking_table import ranking_table
from gogooku3.evaluation.report.reference_table import reference_table
from gogooku3.evaluation.report.significance_table import significance_table
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.trading_tables import trading_tables
from gogooku3.evaluation.report.tries_tables import tries_tables
from gogooku3.evaluation.report.year_tables import rank_ic_by_year, sharpe_by_year


@dataclass(frozen=True, kw_only=True)
class Section:
    """Tables under one heading.

    Attributes:
        key: Name in links.
        title: Heading.
        tables: At least one.
    """

    key: str
    title: str
    tables: Sequence[Table]


def sections(part: Part) -> list[Section]:
    """Return the sections that there is something to say in; the first one goes before the plots."""
    evidence, evaluation = part.evidence, part.evidence.evaluation
    leading = [
        ranking_table(evaluation, part.known),
        comparison_table(evaluation),
        portfolio_table(evaluation),
    ]
    checks = [significance_table(evaluation), counting_table(evaluation)]
    found: list[tuple[str, str, Sequence[Table | None]]] = [
        ("ranking", "Ranking and earnings", leading),
        ("anatomy", "What the scores are made of", anatomy_tables(evidence.anatomies)),
        ("trading", "What trading them would have earned", trading_tables(evidence.tradings)),
        ("tries", "What is left after many tries", tries_tables(evidence.tries) if evidence.tries else []),
        ("drift", "What has moved since training", drift_tables(evidence.drift) if evidence.drift else []),
        ("years", "Year by year", [rank_ic_by_year(evaluation), sharpe_by_year(evaluation)]),
        ("checks", "Further checks", [*checks, reference_table(evaluation, part.references)]),
    ]
    kept = [(key, title, [table for table in tables if table is not None]) for key, title, tables in found]
    return [Section(key=key, title=title, tables=tables) for key, title, tables in kept if tables]
