"""Which of two models ranks better."""

from __future__ import annotations

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import interval, number, percent


def comparison_table(evaluation: Evaluation) -> Table | None:
    """Return the paired differences over the whole period; None for a single model."""
    words = {1: "better", 0: "not distinguishable", -1: "worse"}
    pairs = [pair for pair in evaluation.comparisons if pair.period == "all"]
    if not pairs:
        return None
    rows = [
        [
            str(pair.target.horizon),
            str(pair.target.lag),
            f"{pair.model} - {pair.against}",
            number(pair.difference.mean, 4),
            interval(pair.difference.low, pair.difference.high, 4),
            interval(pair.difference.bootstrap_low, pair.difference.bootstrap_high, 4),
            number(pair.difference.t, 1),
            str(pair.difference.days),
            words[pair.verdict],
        ]
        for pair in pairs
    ]
    return Table(
        title="Which model ranks better",
        note=(
            "The difference of the two models' RankIC on the same days; where its interval holds 0 "
            "they cannot be told apart. The bootstrap's interval stands beside it."
        ),
        columns=[
            "Horizon",
            "Lag",
            "Pair",
            "RankIC difference",
            f"{percent(evaluation.settings.confidence, 0)} interval",
            "Bootstrap interval",
            "t",
            "Days",
            "Verdict",
        ],
        rows=rows,
        text_columns=3,
        text_tail=True,
        groups=frozenset(
            index for index, pair in enumerate(pairs) if index and pair.target != pairs[index - 1].target
        ),
    )
