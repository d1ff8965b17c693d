"""What is left of the findings after counting all that was tried."""

from __future__ import annotations

import math

from gogooku3.evaluation.many_tries.many_tries import ManyTries, OneTry
from gogooku3.evaluation.report.rows import STUB
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import NONE, number, percent


def tries_tables(tries: ManyTries) -> list[Table]:
    """Return a row per try, what holds for all of them together, and the models against their benchmark."""
    tables = [_each(tries), _together(tries)]
    if tries.superiority:
        tables.append(_superiority(tries))
    return tables


def _each(tries: ManyTries) -> Table:
    rows = [[str(one.target.horizon), str(one.target.lag), one.model, *_figures(one)] for one in tries.tries]
    targets = [one.target for one in tries.tries]
    tradable = any(target.lag for target in targets)
    return Table(
        title="What is left after counting every try",
        note=(
            "p is the chance of a RankIC as far from 0 if the score knew nothing; adjusted for all tries, a finding "
            "at 5 % or below belongs to a list of which at most 5 % is expected to be false, by Benjamini and "
            "Hochberg if tries are independent or move together, by Benjamini and Yekutieli whatever their "
            "dependence. Above 0 and above luck are the probabilities that the default portfolio's true net Sharpe "
            "ratio is above 0, and above what the best of all tries at the same lag would show if none were worth "
            "anything; the track record is how many sessions it takes to be sure of a ratio above 0, and should not "
            "exceed those there are."
        ),
        columns=[
            *STUB,
            "p",
            "p, adjusted",
            "p, any dependence",
            "Sharpe, daily",
            "Above 0",
            "Above luck",
            "Track record, sessions",
            "Sessions",
        ],
        rows=rows,
        text_columns=3,
        groups=frozenset(row for row in range(1, len(targets)) if targets[row] != targets[row - 1]),
        quiet=frozenset(row for row, target in enumerate(targets) if tradable and target.lag == 0),
    )


def _figures(one: OneTry) -> list[str]:
    return [
        p_value(one.p_value),
        p_value(one.independent),
        p_value(one.dependent),
        number(one.sharpe_daily),
        percent(one.probabilistic),
        percent(one.deflated),
        "never" if one.track_record == math.inf else number(one.track_record, 0),
        str(one.days),
    ]


def _together(tries: ManyTries) -> Table:
    unseen = "".join(f" {sentence}" for sentence in tries.unseen)
    return Table(
        title="All tries together",
        note=(
            "Tries that resemble each other amount to fewer independent ones; a probability of overfitting near or "
            f"above 50 % says that choosing the best of them by its past is no better than drawing one.{unseen}"
        ),
        columns=["Figure", "Value"],
        rows=[
            ["Portfolios that were compared", str(tries.trials)],
            ["Independent tries they amount to", number(tries.effective_trials, 1)],
            ["Probability of backtest overfitting", percent(tries.overfitting)],
        ],
    )


def _superiority(tries: ManyTries) -> Table:
    rows = [
        [
            str(found.target.horizon),
            str(found.target.lag),
            found.benchmark,
            found.best,
            str(found.models),
            p_value(found.p_value),
        ]
        for found in tries.superiority
    ]
    tradable = any(found.target.lag for found in tries.superiority)
    return Table(
        title="Whether any model is better than the first",
        note=(
            "p is the chance that the best of the other models beats the first by as much in daily RankIC if none is "
            "better (Hansen's test of superior predictive ability); below 5 % at least one of them is."
        ),
        columns=["Horizon", "Lag", "Benchmark", "Best other", "Others", "p"],
        rows=rows,
        text_columns=4,
        quiet=frozenset(
            row for row, found in enumerate(tries.superiority) if tradable and found.target.lag == 0
        ),
    )


def p_value(value: float) -> str:
    """Return three digits, and no probability as exactly 0."""
    if not math.isfinite(value):
        return NONE
    return "< 0.001" if value < 0.001 else number(value)
