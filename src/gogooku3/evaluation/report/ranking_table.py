"""How well each model ranks."""

from __future__ import annotations

from collections.abc import Mapping

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.rows import STUB, best_cells, group_starts, results, stub, untradable_rows
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import interval, number, percent
from gogooku3.labels.target import Target


def ranking_table(evaluation: Evaluation, attainable: Mapping[Target, float]) -> Table:
    """Return RankIC and its relatives per target and model."""
    level = percent(evaluation.settings.confidence, 0)
    columns = [*STUB, "RankIC", f"{level} interval", "RankICIR", "t of RankIC", "IC", "ICIR", "t of IC"]
    columns += ["Decile spread", "t of spread", "Monotonicity", "Hit rate", "Days"]
    columns += ["Of attainable"] if attainable else []
    rows = []
    for result in results(evaluation):
        whole, rank_ic, ic, spread = result.whole, result.whole.rank_ic, result.whole.ic, result.whole.spread
        cells = [number(rank_ic.mean), interval(rank_ic.low, rank_ic.high)]
        cells += [number(rank_ic.ratio, 2), number(rank_ic.t, 1)]
        cells += [number(ic.mean), number(ic.ratio, 2), number(ic.t, 1)]
        cells += [percent(spread.mean, 2), number(spread.t, 1)]
        cells += [number(whole.monotonicity, 2), percent(whole.hit_rate), str(rank_ic.days)]
        if attainable:
            cells.append(percent(_share(rank_ic.mean, attainable.get(result.target)), 0))
        rows.append([*stub(result), *cells])
    return Table(
        title="How well each model ranks",
        note=(
            "RankIC is the mean over days of Spearman's correlation between score and later return; "
            "an interval that excludes 0 means the ranking is better than chance. "
            "IC is Pearson's correlation; RankICIR and ICIR are mean over standard deviation of the days, and "
            "each t tests the mean before it. The decile spread "
            "is the return of the top tenth less the bottom tenth over the whole horizon, before "
            "costs. Lag 0 enters at a price that nobody could trade at; judge by lag 1."
        ),
        columns=columns,
        rows=rows,
        text_columns=3,
        groups=group_starts(evaluation),
        quiet=untradable_rows(evaluation),
        best=best_cells(evaluation, lambda period: period.rank_ic.mean, column=3),
    )


def _share(value: float, whole: float | None) -> float | None:
    return value / whole if whole else None
