"""What the scores would have earned, traded in several ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gogooku3.evaluation.backtest.capacity import CapacityPoint
from gogooku3.evaluation.backtest.cost_curve import COST_GRID_BPS
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import number, percent
from gogooku3.evaluation.trading.amount import amount
from gogooku3.evaluation.trading.trading import Book, LeftOut, Trading
from gogooku3.labels.target import Target

_SHOWN_BPS = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0)


def trading_tables(tradings: Sequence[Trading]) -> list[Table]:
    """Return the books, Sharpe ratios by cost, the capacity and what each book is, of the headline target.

    That is 5 sessions at lag 1, or the nearest to it; the other targets are in the table of default portfolios.

    Args:
        tradings: In any order; models are shown in theirs. None gives no table.
    """
    if not tradings:
        return []
    target = min({t.target for t in tradings}, key=lambda t: (abs(t.lag - 1), abs(t.horizon - 5), t))
    shown = [trading for trading in tradings if trading.target == target]
    tables = [_books(shown, target), _by_cost(shown)]
    tables += [_capacity(shown)] if any(trading.capacity for trading in shown) else []
    tables.append(_texts(shown))
    tables += [_left_out(shown)] if any(trading.left_out for trading in shown) else []
    return tables


def _rows(
    shown: Sequence[Trading], cells: Callable[[Book], list[str]]
) -> tuple[list[list[str]], frozenset[int]]:
    """Return one row a book, and the rows at which a new model begins."""
    rows: list[list[str]] = []
    starts: set[int] = set()
    for trading in shown:
        starts.add(len(rows))
        rows += [[trading.model, book.name, *cells(book)] for book in trading.books]
    return rows, frozenset(starts - {0})


def _books(shown: Sequence[Trading], target: Target) -> Table:
    def cells(book: Book) -> list[str]:
        whole, relative = book.summary, book.relative
        costs = whole.commission_annual + whole.spread_annual + whole.impact_annual + whole.borrow_annual
        return [
            percent(whole.net_annual),
            number(whole.net.t, 1),
            number(whole.sharpe_annual, 2),
            percent(whole.max_drawdown),
            percent(costs),
            percent(whole.turnover),
            number(whole.break_even_bps, 1),
            percent(whole.unfilled, 2),
            percent(relative.alpha_annual) if relative else number(None),
            number(relative.information_ratio, 2) if relative else number(None),
        ]

    rows, groups = _rows(shown, cells)
    return Table(
        title=f"What the scores earn, traded in several ways ({target.horizon} sessions, lag {target.lag})",
        note=(
            "The first book of a model is the default portfolio and each other one changes what its name says, so a "
            "score that earns in one book alone earns by that book's construction; unfilled is the target weight that "
            "halts, limits, borrowing or volume refused, alpha (after beta) and the information ratio are against "
            "equal weights in the universe before costs."
        ),
        columns=[
            "Model",
            "Book",
            "Net a year",
            "t",
            "Sharpe, annual",
            "Max drawdown",
            "Costs a year",
            "Turnover a session",
            "Break-even, bps",
            "Unfilled",
            "Alpha a year",
            "Information ratio",
        ],
        rows=rows,
        text_columns=2,
        groups=groups,
    )


def _by_cost(shown: Sequence[Trading]) -> Table:
    def cells(book: Book) -> list[str]:
        at = dict(zip(COST_GRID_BPS, book.summary.sharpe_by_cost, strict=True))
        return [number(at[bps], 2) for bps in _SHOWN_BPS]

    rows, groups = _rows(shown, cells)
    return Table(
        title="Net Sharpe ratio by cost",
        note=(
            "Annual Sharpe ratio if every unit traded cost so many basis points: find your own cost in the head and "
            "read down; books with spread, impact or borrowing pay these besides."
        ),
        columns=["Model", "Book", *(f"{bps:.0f} bps" for bps in _SHOWN_BPS)],
        rows=rows,
        text_columns=2,
        groups=groups,
    )


def _capacity(shown: Sequence[Trading]) -> Table:
    rows: list[list[str]] = []
    starts: set[int] = set()
    for trading in shown:
        starts.add(len(rows))
        rows += [[trading.model, *_point(point)] for point in trading.capacity]
    return Table(
        title="How much money it carries",
        note=(
            "The account of the books above with more or less capital: too little cannot buy whole lots (invested "
            "falls short of 200 %, both legs together), too much moves prices against itself and is left unfilled; "
            "the score carries no more than the largest capital whose net return is still worth having."
        ),
        columns=["Model", "Capital", "Net a year", "Sharpe, annual", "Costs a year", "Unfilled", "Invested"],
        rows=rows,
        text_columns=2,
        groups=frozenset(starts - {0}),
    )


def _point(point: CapacityPoint) -> list[str]:
    return [
        amount(point.capital),
        percent(point.net_annual),
        number(point.sharpe_annual, 2),
        percent(point.cost_annual),
        percent(point.unfilled),
        percent(point.invested, 0),
    ]


def _texts(shown: Sequence[Trading]) -> Table:
    texts = {book.name: book.text for trading in shown for book in trading.books}
    return Table(
        title="What each book does",
        note=(
            "All books hold for the target's horizon; all but the default portfolio leave orders unfilled on days "
            "locked at the daily limit."
        ),
        columns=["Book", "What is done"],
        rows=[[name, text] for name, text in texts.items()],
        text_columns=2,
    )


def _left_out(shown: Sequence[Trading]) -> Table:
    found = dict.fromkeys(_reasons(shown))
    return Table(
        title="Books that could not be formed",
        note="What the data lack, so that the absence of a book is not taken for a choice.",
        columns=["Book", "Why"],
        rows=[[item.name, item.reason] for item in found],
        text_columns=2,
    )


def _reasons(shown: Sequence[Trading]) -> Iterator[LeftOut]:
    for trading in shown:
        yield from trading.left_out
