"""Figures measured elsewhere, beside ours."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import number


def reference_table(evaluation: Evaluation, references: Sequence[Reference]) -> Table | None:
    """Return figures from elsewhere beside ours; None without any."""
    if not references:
        return None
    rows = []
    for reference in references:
        result = evaluation.find(reference.model, reference.target)
        ours = result.whole.rank_ic.mean if result else math.nan
        target = reference.target
        figures = [number(reference.rank_ic), number(ours), number(ours - reference.rank_ic)]
        rows.append(
            [str(target.horizon), str(target.lag), reference.model, reference.name, *figures, reference.note]
        )
    return Table(
        title="Beside figures measured elsewhere",
        note="Mean daily RankIC; the last column says why ours differs.",
        columns=["Horizon", "Lag", "Model", "Reference", "Theirs", "Ours", "Difference", "Why"],
        rows=rows,
        text_columns=4,
        text_tail=True,
    )
