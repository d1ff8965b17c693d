"""Tables of books: the headline target, each figure in its column, nothing hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gogooku3.evaluation.report.trading_tables import trading_tables
from gogooku3.evaluation.report.wording import NONE, number, percent
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.trading.amount import amount
from gogooku3.evaluation.trading.settings import TradingSettings
from gogooku3.evaluation.trading.trade_score import trade_score
from gogooku3.labels.target import Target
from tests.evaluation.backtest.tapes import wild_score, wild_tape


@pytest.fixture(scope="module")
def tradings():
    rng = np.random.default_rng(3)
    tape = replace(wild_tape(rng, days=200, stocks=40), borrowable=None)
    member = np.isfinite(tape.close)

    def traded(model, target, seed, tape=tape):
        return trade_score(
            model,
            target,
            wild_score(np.random.default_rng(seed), tape),
            tape,
            member,
            settings=TradingSettings(k=5, max_weight=0.3, capital=2e7, capitals=(1e6, 1e9)),
            evaluation=EvaluationSettings(bootstrap_samples=100),
            sessions_per_year=245.0,
        )

    bare = replace(tape, open=np.full_like(tape.open, np.nan))
    return {
        "ten": traded("ridge", Target(10, 1), 1),
        "five": traded("ridge", Target(5, 1), 2),
        "trees": traded("trees", Target(5, 1), 3),
        "same": traded("ridge", Target(5, 0), 4),
        "bare": traded("ridge", Target(5, 1), 2, bare),
    }


def test_the_headline_target_is_shown_and_every_figure_is_where_its_column_says(tradings):
    five, trees = tradings["five"], tradings["trees"]
    tables = trading_tables([tradings["same"], tradings["ten"], five, trees])
    assert [table.title.split(" (")[0] for table in tables] == [
        "What the scores earn, traded in several ways",
        "Net Sharpe ratio by cost",
        "How much money it carries",
        "What each book does",
    ]
    assert "(5 sessions, lag 1)" in tables[0].title
    books = [*five.books, *trees.books]
    assert [row[:2] for row in tables[0].rows] == [
        [model, book.name] for model, found in (("ridge", five), ("trees", trees)) for book in found.books
    ]
    assert tables[0].groups == tables[1].groups == frozenset({len(five.books)})
    for row, book in zip(tables[0].rows, books, strict=True):
        cells = dict(zip(tables[0].columns, row, strict=True))
        whole = book.summary
        assert cells["Net a year"] == percent(whole.net_annual)
        assert cells["Sharpe, annual"] == number(whole.sharpe_annual, 2)
        assert cells["Max drawdown"] == percent(whole.max_drawdown)
        assert cells["Costs a year"] == percent(whole.gross_annual - whole.net_annual)
        assert cells["Turnover a session"] == percent(whole.turnover)
        assert cells["Break-even, bps"] == number(whole.break_even_bps, 1)
        assert cells["Unfilled"] == percent(whole.unfilled, 2)
        relative = book.relative
        assert cells["Alpha a year"] == (percent(relative.alpha_annual) if relative else NONE)
        assert cells["Information ratio"] == (number(relative.information_ratio, 2) if relative else NONE)
    for row, book in zip(tables[1].rows, books, strict=True):
        cells = dict(zip(tables[1].columns, row, strict=True))
        for place, bps in ((0, "0 bps"), (2, "10 bps"), (8, "40 bps"), (10, "50 bps")):
            assert cells[bps] == number(book.summary.sharpe_by_cost[place], 2)
    assert [row[1] for row in tables[2].rows] == ["1 million", "1 billion"] * 2
    assert tables[2].rows[1][2] == percent(five.capacity[1].net_annual)
    assert [row[0] for row in tables[3].rows] == [book.name for book in five.books]
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert table.note.count(".") == 1
        assert table.to_markdown().startswith("### ")


def test_the_cost_column_of_the_default_is_its_sharpe(tradings):
    table = trading_tables([tradings["five"]])[1]
    default = tradings["five"].books[0]
    assert table.rows[0][table.columns.index("10 bps")] == number(default.summary.sharpe_annual, 2)


def test_what_was_left_out_is_named_and_an_absent_capacity_has_no_table(tradings):
    tables = trading_tables([tradings["bare"]])
    assert [table.title for table in tables[2:]] == ["What each book does", "Books that could not be formed"]
    assert {row[1] for row in tables[-1].rows} == {"no bar has an opening price"}
    assert len(tables[-1].rows) == 3
    assert len(trading_tables([tradings["bare"], tradings["trees"]])[-1].rows) == 3
    assert trading_tables([]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e8, "100 million"),
        (1.5e9, "1.5 billion"),
        (2e12, "2 trillion"),
        (999_999.0, "999,999"),
        (1e11, "100 billion"),
    ],
)
def test_amounts(value, text):
    assert amount(value) == text
