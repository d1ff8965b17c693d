"""Which orders are filled, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gogooku3.evaluation.backtest.fill_settings import FillSettings
from gogooku3.evaluation.backtest.fills import fill_status
from gogooku3.evaluation.backtest.simulate import backtest
from tests.evaluation.backtest.settings_of import settings_of
from tests.evaluation.backtest.tapes import tape_of_links

# name: open, high, low, close, volume, link, expected at the close, expected at the open
BARS = {
    "ordinary": (100, 102, 99, 101, 5, 1.01, 0, 0),
    "no bar": (np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, 1, 1),
    "no volume": (100, 100, 100, 100, 0, 1.0, 1, 1),
    "volume unknown": (100, 102, 99, 101, np.nan, 1.01, 1, 1),
    "untrusted link": (100, 102, 99, 101, 5, np.nan, 1, 1),
    "no opening price": (np.nan, 102, 99, 101, 5, 1.01, 0, 1),
    "limit up": (115, 115, 115, 115, 5, 1.15, 2, 2),
    "limit down": (80, 80, 80, 80, 5, 0.8, 2, 2),
    "one price, small move": (101, 101, 101, 101, 5, 1.01, 0, 0),
    "one price after a split, small total move": (50, 50, 50, 50, 5, 1.0, 0, 0),
    "large move that traded": (110, 115, 110, 115, 5, 1.15, 0, 0),
    "just inside the limit": (112.9, 112.9, 112.9, 112.9, 5, 1.129, 0, 0),
}


def test_fills_by_hand():
    columns = np.array(list(BARS.values()), dtype=float).T[:, None, :]
    tape = replace(
        tape_of_links(np.ones((1, len(BARS)))),
        **dict(zip(("open", "high", "low", "close", "volume", "link"), columns[:6], strict=True)),
    )
    close, at_open = (fill_status(tape, FillSettings(), at_open=when)[0] for when in (False, True))
    assert dict(zip(BARS, close, strict=True)) == {name: bar[6] for name, bar in BARS.items()}
    assert dict(zip(BARS, at_open, strict=True)) == {name: bar[7] for name, bar in BARS.items()}
    never = fill_status(tape, FillSettings(limit_move=None), at_open=False)[0]
    assert not (never == 2).any()


def test_a_locked_stock_is_neither_bought_nor_sold_and_counted():
    link = np.ones((4, 4))
    link[1, 0] = 0.8
    tape = tape_of_links(link)
    for grid in (tape.open, tape.high, tape.low):
        grid[1, 0] = tape.close[1, 0]
    score = np.array([[4.0, 3.0, 2.0, 1.0]] + [[1.0, 2.0, 3.0, 4.0]] * 3)
    settings = settings_of(
        construction={"quantiles": 2, "min_names": 4},
        schedule={"holding": 1, "lag": 0},
        costs={"bps": 0.0},
    )
    result = backtest(score, tape, settings, record=True)
    np.testing.assert_array_equal(result.refusals.locked, [0, 1, 0, 0])
    np.testing.assert_array_equal(result.refusals.halted, 0)
    assert 0 not in result.trades.stock[result.trades.row == 1]
    np.testing.assert_allclose(result.gross, [0, -0.1, 0, 0])
    np.testing.assert_allclose(result.unfilled, [0, 0.25, 0, 0])
    free = backtest(score, tape, settings.model_copy(update={"fills": FillSettings(limit_move=None)}))
    assert free.refusals.locked.sum() == 0
    assert free.unfilled.max() == 0
