"""The figures of several runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from gogooku3.evaluation.report.part import Part
from gogooku3.evaluation.report.rows import results
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import interval, number, percent


def side_by_side_table(parts: Sequence[Part]) -> Table:
    """Return one row per target, run and model; none of them is called the best."""
    found = [(result, part) for part in parts for result in results(part.evidence.evaluation)]
    found.sort(key=lambda pair: pair[0].target)  # stable: runs and models stay in the order given
    rows = []
    for result, part in found:
        whole, portfolio = result.whole, result.whole.portfolio
        cells = [number(whole.rank_ic.mean), interval(whole.rank_ic.low, whole.rank_ic.high)]
        cells += [
            number(whole.rank_ic.t, 1),
            percent(portfolio.net_annual),
            number(portfolio.sharpe_annual, 2),
        ]
        cells += [
            number(portfolio.break_even_bps, 1),
            percent(portfolio.max_drawdown),
            str(whole.rank_ic.days),
        ]
        target = result.target
        rows.append([str(target.horizon), str(target.lag), part.title, result.model, *cells])
    targets = [result.target for result, _ in found]
    lagged = any(target.lag for target in targets)
    return Table(
        title="Figures side by side",
        note=(
            "Each row is of its own run. Whether two rows differ by more than chance takes the same days of both, "
            "which `gogooku3 compare` sets against each other."
        ),
        columns=[
            "Horizon",
            "Lag",
            "Run",
            "Model",
            "RankIC",
            "Interval",
            "t of RankIC",
            "Net a year",
            "Sharpe, annual",
            "Break-even, bps",
            "Max drawdown",
            "Days",
        ],
        rows=rows,
        text_columns=4,
        groups=frozenset(row for row in range(1, len(targets)) if targets[row] != targets[row - 1]),
        quiet=frozenset(row for row, target in enumerate(targets) if lagged and target.lag == 0),
    )
