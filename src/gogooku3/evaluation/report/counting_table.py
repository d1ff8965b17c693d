"""Which sessions counted."""

from __future__ import annotations

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.rows import STUB, group_starts, results, stub, untradable_rows
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import percent


def counting_table(evaluation: Evaluation) -> Table:
    """Return which sessions counted, and how much of the universe was scored."""
    rows = []
    for result in results(evaluation):
        whole = result.whole
        cells = [whole.rank_ic.days, whole.too_few, whole.constant, whole.constant_label]
        shares = [percent(whole.coverage), percent(whole.coverage_min)]
        rows.append([*stub(result), *map(str, cells), *shares])
    return Table(
        title="Which sessions counted",
        note=(
            f"A session needs {evaluation.settings.min_names} names with both score and label, and "
            "scores and labels that differ between stocks; the last sessions have no label yet."
        ),
        columns=[
            *STUB,
            "Evaluated",
            "Too few names",
            "Constant score",
            "Constant label",
            "Coverage",
            "Least coverage",
        ],
        rows=rows,
        text_columns=3,
        groups=group_starts(evaluation),
        quiet=untradable_rows(evaluation),
    )
