"""What the default portfolio earns."""

from __future__ import annotations

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.rows import STUB, best_cells, group_starts, results, stub, untradable_rows
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import number, percent


def portfolio_table(evaluation: Evaluation) -> Table:
    """Return the default portfolio per target and model."""
    portfolio = evaluation.settings.portfolio
    rows = []
    for result in results(evaluation):
        whole = result.whole.portfolio
        cells = [percent(whole.gross_annual), percent(whole.net_annual), number(whole.net.t, 1)]
        cells += [number(whole.sharpe_daily), number(whole.sharpe_annual, 2)]
        cells += [number(whole.sharpe_annual_gross, 2), percent(whole.turnover)]
        cells += [number(whole.break_even_bps, 1), percent(whole.max_drawdown), percent(whole.unfilled, 2)]
        rows.append([*stub(result), *cells])
    legs = "the top bucket" if portfolio.long_only else "the top bucket against the bottom bucket"
    return Table(
        title="What the default portfolio earns",
        note=(
            f"Equal weights in {legs} of {portfolio.quantiles}, in as many overlapping tranches as the "
            f"horizon has sessions; net of {number(portfolio.cost_bps, 0)} bps per traded weight and "
            f"{number(portfolio.borrow_bps_per_year, 0)} bps a year for borrowing. The break-even cost "
            "is the price of trading at which nothing is left; t belongs to the mean net return. "
            "Unfilled is the target weight that could not be entered: the stock had no bar, or did not trade."
        ),
        columns=[
            *STUB,
            "Gross a year",
            "Net a year",
            "t",
            "Sharpe, daily",
            "Sharpe, annual",
            "Gross Sharpe",
            "Turnover a session",
            "Break-even, bps",
            "Max drawdown",
            "Unfilled",
        ],
        rows=rows,
        text_columns=3,
        groups=group_starts(evaluation),
        quiet=untradable_rows(evaluation),
        best=best_cells(evaluation, lambda period: period.portfolio.sharpe_daily, column=7),
    )
