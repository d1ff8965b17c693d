"""How sure the RankIC is."""

from __future__ import annotations

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.rows import STUB, group_starts, results, stub, untradable_rows
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import interval, number


def significance_table(evaluation: Evaluation) -> Table:
    """Return the other tests of the mean RankIC."""
    rows = []
    for result in results(evaluation):
        rank_ic = result.whole.rank_ic
        cells = [number(rank_ic.t, 1), number(rank_ic.freedom, 0), number(rank_ic.t_newey_west, 1)]
        cells += [number(rank_ic.t_non_overlapping, 1), interval(rank_ic.low, rank_ic.high)]
        rows.append([*stub(result), *cells, interval(rank_ic.bootstrap_low, rank_ic.bootstrap_high)])
    return Table(
        title="How sure the RankIC is, by four methods",
        note=(
            "Equal-weighted cosines is the one to trust: labels overlap and scores persist, and "
            "Newey-West then rejects too often. Non-overlapping takes every h-th day. The "
            "bootstrap's interval is about right where scores persist, and a little wide where labels "
            "overlap and scores do not persist."
        ),
        columns=[
            *STUB,
            "t, cosines",
            "Freedom",
            "t, Newey-West",
            "t, non-overlapping",
            "Interval, cosines",
            "Interval, bootstrap",
        ],
        rows=rows,
        text_columns=3,
        groups=group_starts(evaluation),
        quiet=untradable_rows(evaluation),
    )
