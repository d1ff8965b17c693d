"""Both books against the dictionary simulator, and what must hold for any market."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.evaluation.backtest.simulate import backtest, prepare, run
from tests.evaluation.backtest.settings_of import settings_of
from tests.evaluation.backtest.slow import SlowBook
from tests.evaluation.backtest.tapes import sessions, tape_of_links, wild_score, wild_tape

IMPACT = {"impact": "power", "impact_gamma": 0.3}
WEIGHTS = {
    "default": {},
    "open": {"schedule": {"holding": 4, "entry": "open"}, "costs": {"borrow_bps_per_year": 200}},
    "one tranche": {"schedule": {"holding": 1, "lag": 0}, "costs": {"bps": 3, "borrow_bps_per_year": 90}},
    "impact": {
        "schedule": {"holding": 3},
        "costs": IMPACT,
        "fills": {"max_participation": 0.05},
        "account": {"capital": 3e7},
    },
    "spread at the open": {
        "schedule": {"holding": 5, "entry": "open", "lag": 2},
        "costs": {"spread": "edge", "spread_window": 24} | IMPACT,
        "account": {"capital": 1e8},
    },
    "ranks": {"construction": {"kind": "rank", "max_weight": 0.08, "sector_neutral": True}},
    "long only": {"construction": {"side": "long_only", "quantiles": 4}, "schedule": {"holding": 2}},
}
CASH = {
    "fractions": {"account": {"books": "cash", "capital": 1e8}},
    "lots": {
        "account": {"books": "cash", "capital": 5e7, "lot": 100},
        "costs": {"bps": 5, "borrow_bps_per_year": 120},
    },
    "lots at the open, everything": {
        "account": {"books": "cash", "capital": 2e8, "lot": 100},
        "schedule": {"holding": 4, "entry": "open"},
        "costs": {"bps": 2, "spread": "edge", "spread_window": 24, "borrow_bps_per_year": 115} | IMPACT,
        "fills": {"max_participation": 0.05},
    },
    "long only, little cash": {
        "construction": {"side": "long_only", "quantiles": 4},
        "account": {"books": "cash", "capital": 2e7, "lot": 100},
        "schedule": {"holding": 2},
        "costs": {"bps": 30} | IMPACT,
    },
    "long only, fractions": {
        "construction": {"side": "long_only", "kind": "rank"},
        "account": {"books": "cash", "capital": 1e7},
        "schedule": {"holding": 3, "entry": "open"},
    },
    "no split": {"account": {"books": "cash", "capital": 1e8, "lot": 1, "split_from": 0.5}},
}


def _case(seed, parts):
    rng = np.random.default_rng(seed)
    tape = wild_tape(rng)
    chosen = settings_of(**parts)
    if chosen.construction.side == "long_only":
        tape = replace(tape, borrowable=None)
    return wild_score(rng, tape), tape, chosen


def _compare(result, slow, names):
    first = int(np.isfinite(result.gross).argmax())
    for name in names:
        np.testing.assert_allclose(
            getattr(result, name)[first:], slow.series(name)[first:], rtol=1e-9, atol=1e-11, err_msg=name
        )
        assert name == "equity" or not slow.series(name)[:first].any()
    for name in ("orders", "halted", "locked", "unborrowable", "limited", "unaffordable"):
        np.testing.assert_array_equal(getattr(result.refusals, name), slow.series(name), err_msg=name)
    whole, missed = slow.series("whole"), slow.series("missed")
    np.testing.assert_allclose(
        result.unfilled, np.where(whole > 0, missed / np.where(whole > 0, whole, 1), np.nan), atol=1e-9
    )


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_those_of_the_slow_book(name):
    score, tape, chosen = _case(11, WEIGHTS[name])
    prepared = prepare(score, tape, chosen)
    result = run(prepared, record=True)
    spread = prepared.costs.half_spread if chosen.costs.spread == "edge" else None
    slow = SlowBook(tape, chosen, prepared.targets.weights, spread)
    first = slow.run_weights()
    assert np.isfinite(result.gross).argmax() == first
    _compare(result, slow, ("gross", "traded", "commission", "spread", "impact", "borrow"))
    assert result.refusals.halted.sum() > 10
    assert result.refusals.locked.sum() > 3
    np.testing.assert_allclose(
        np.abs(result.positions).sum(axis=1)[first:], (result.long + result.short)[first:]
    )
    traded = np.bincount(result.trades.row, np.abs(result.trades.amount), len(score))
    np.testing.assert_allclose(traded[first:], result.traded[first:], atol=1e-12)


@pytest.mark.parametrize("name", CASH)
def test_cash_is_that_of_the_slow_account(name):
    score, tape, chosen = _case(12, CASH[name])
    prepared = prepare(score, tape, chosen)
    result = run(prepared, record=True)
    spread = prepared.costs.half_spread if chosen.costs.spread == "edge" else None
    slow = SlowBook(tape, chosen, prepared.targets.weights, spread)
    slow.run_cash()
    _compare(result, slow, ("net", "traded", "commission", "spread", "impact", "borrow", "equity"))
    np.testing.assert_allclose(result.ledger.cash, slow.series("cash"), rtol=1e-9, atol=1e-3)
    held = np.zeros_like(result.positions)
    for d, book in enumerate(slow.holdings):
        for n, shares in book.items():
            held[d, n] = shares
    np.testing.assert_allclose(result.positions, held, rtol=1e-8, atol=1e-6)
    order = sorted(slow.trades, key=lambda trade: (trade[0], trade[2] > 0, trade[1]))
    assert len(order) == len(result.trades.row) > 200
    np.testing.assert_array_equal(result.trades.row, [trade[0] for trade in order])
    np.testing.assert_array_equal(result.trades.stock, [trade[1] for trade in order])
    np.testing.assert_allclose(result.trades.amount, [trade[2] for trade in order], rtol=1e-7, atol=1e-6)
    kinds = {kind for _, kind, amount in slow.flows if amount}
    assert kinds >= {"buy", "sell", "terminal", "dividend", "commission"}
    assert ("in lieu" in kinds) == (chosen.account.lot > 0)


BOOKS = st.fixed_dictionaries(
    {
        "holding": st.integers(1, 6),
        "lag": st.integers(1, 2),
        "entry": st.sampled_from(["close", "open"]),
        "lot": st.sampled_from([0, 1, 100]),
        "capital": st.sampled_from([3e6, 5e7, 1e10]),
        "bps": st.sampled_from([0.0, 10.0, 100.0]),
        "impact": st.booleans(),
        "side": st.sampled_from(["long_short", "long_only"]),
        "seed": st.integers(0, 10_000),
    }
)


def _parts(case):
    costs = {"bps": case["bps"]} | ({"impact": "power"} if case["impact"] else {})
    if case["side"] == "long_short":
        costs |= {"borrow_bps_per_year": 115}
    return {
        "construction": {"quantiles": 4, "side": case["side"]},
        "schedule": {name: case[name] for name in ("holding", "lag", "entry")},
        "costs": costs,
        "account": {"books": "cash", "capital": case["capital"], "lot": case["lot"]},
    }


@given(BOOKS)
@settings(max_examples=40, deadline=None)
def test_money_in_is_money_out_and_nothing_is_held_that_was_not_bought(case):
    score, tape, chosen = _case(case["seed"], _parts(case))
    prepared = prepare(score, tape, chosen)
    result = run(prepared, record=True)
    days = len(score) if result.ruined is None else result.ruined + 1
    trades, ledger = result.trades, result.ledger
    paid = trades.amount * trades.price + trades.commission + trades.spread + trades.impact
    spent = np.bincount(trades.row, paid, len(score))
    before = np.concatenate([[chosen.account.capital], result.equity[:-1]])
    before = np.where(np.isfinite(before), before, chosen.account.capital)
    fee = np.nan_to_num(result.borrow) * before
    flow = ledger.distributed + ledger.in_lieu + ledger.terminal - spent - fee
    cash = chosen.account.capital + np.cumsum(flow)
    np.testing.assert_allclose(
        ledger.cash[:days], cash[:days], rtol=0, atol=max(0.01, 1e-11 * case["capital"])
    )
    days = len(score) if result.ruined is None else result.ruined  # a ruined account is closed
    # Nothing is traded where nothing could be filled.
    assert not prepared.status[trades.row, trades.stock].any()
    # Shares change by trades, splits and ends alone: without a trade or a bar, nothing changes.
    change = np.diff(result.positions[:days], axis=0, prepend=0)
    known = trades.row < days
    change[trades.row[known], trades.stock[known]] = 0
    price = tape.close[:days]
    quiet = np.isnan(price) | ((tape.ratio[:days] == 1) & np.isfinite(tape.link[:days]))
    ended = np.zeros_like(quiet)
    for n, last in enumerate(tape.last_bar):
        ended[last + 1 : last + 2, n] = True
    assert not change[quiet & ~ended].any()
    assert not result.positions[days - 1 :, tape.last_bar < days - 1].any()
    # Equity is cash and shares at their last prices.
    last = _last_prices(tape, chosen, days)
    value = ledger.cash[:days] + (result.positions[:days] * last).sum(axis=1)
    known = np.isfinite(result.equity[:days])
    np.testing.assert_allclose(result.equity[:days][known], value[known], rtol=1e-9)
    if case["lot"]:
        assert (result.positions == np.rint(result.positions)).all()
    if case["side"] == "long_only":
        assert ledger.cash[:days].min() >= -0.01
        assert result.positions.min() >= 0
    spread = (result.gross - result.net)[:days][known]
    assert (spread >= -1e-15).all()


def _last_prices(tape, chosen, days):
    """Last known price of each stock at each close; 0 before the first."""
    last = np.zeros((days, tape.link.shape[1]))
    now = np.zeros(tape.link.shape[1])
    for d in range(days):
        now = np.where(np.isfinite(tape.close[d]), tape.close[d], now)
        last[d] = now
    return last


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from(["close", "open"]))
@settings(max_examples=15, deadline=None)
def test_costs_are_monotone(seed, holding, entry):
    score, tape, _ = _case(seed, {})
    common = {"schedule": {"holding": holding, "entry": entry}}
    nets = []
    for bps, capital, gamma in ((0, 1e6, 0), (0, 1e6, 0.1), (10, 1e6, 0.1), (10, 1e9, 0.1)):
        chosen = settings_of(
            **common,
            costs={"bps": bps, "impact": "power", "impact_gamma": gamma},
            account={"capital": capital},
        )
        nets.append(backtest(score, tape, chosen))
    for cheap, dear in pairwise(nets):
        np.testing.assert_array_equal(cheap.gross, dear.gross)
        known = np.isfinite(cheap.net)
        assert (dear.net[known] <= cheap.net[known] + 1e-15).all()
        assert dear.net[known].sum() < cheap.net[known].sum()


def test_positions_stay_within_the_cap_of_their_tranches():
    score, tape, chosen = _case(
        3,
        {
            "construction": {"kind": "rank", "max_weight": 0.1, "sector_neutral": True},
            "schedule": {"holding": 1, "lag": 1},
            "account": {"books": "cash", "capital": 1e8, "lot": 100},
            "costs": {"bps": 0},
        },
    )
    result = backtest(score, tape, chosen, record=True)
    trades = result.trades
    after = result.positions[trades.row, trades.stock] * trades.price / result.equity[trades.row]
    assert np.abs(after).max() <= 0.1 * (1 + 1e-9)
    assert np.abs(after).max() > 0.05


def test_lots_splits_and_dividends_by_hand():
    # Two stocks, one bought and one sold short with a capital of 1,000,000: 1,050 and 2,000 yen, one tranche.
    close = np.array([[1050.0, 2000.0], [1050.0, 2000.0], [357.0, 1960.0], [357.0, 1960.0]])
    ratio = np.array([[np.nan, np.nan], [1.0, 1.0], [3.0, 1.025], [1.0, 1.0]])
    link = np.full((4, 2), np.nan)
    link[1:] = close[1:] / close[:-1] * ratio[1:]
    tape = replace(
        tape_of_links(np.ones((4, 2))),
        open=close,
        high=close * 1.01,
        low=close * 0.99,
        close=close,
        ratio=ratio,
        link=link,
        sessions=sessions(4),
    )
    score = np.array([[2.0, 1.0], [np.nan, np.nan], [np.nan, np.nan], [np.nan, np.nan]])
    chosen = settings_of(
        construction={"quantiles": 2, "min_names": 2},
        schedule={"holding": 3, "lag": 1},
        costs={"bps": 10.0, "borrow_bps_per_year": 365.0},
        account={"books": "cash", "capital": 1e6, "lot": 100},
    )
    result = backtest(score, tape, chosen, record=True)
    # A third of the equity is 317.5 shares and 166.7 shares: 300 and 100 in whole lots.
    np.testing.assert_array_equal(result.positions[:3], [[0, 0], [300, -100], [900, -100]])
    spent = 315_000 - 200_000 + 515
    assert result.ledger.cash[1] == pytest.approx(1e6 - spent)
    fee = 200_000 * 0.0365 / 365
    dividend = -100 * 1960 * 0.025
    assert result.ledger.distributed[2] == pytest.approx(dividend)
    assert result.ledger.cash[2] == pytest.approx(1e6 - spent - fee + dividend)
    assert result.equity[2] == pytest.approx(1e6 - spent - fee + dividend + 900 * 357 - 100 * 1960)
    assert result.gross[2] == pytest.approx((6300 - 900) / result.equity[1])
    assert result.net[2] == pytest.approx(result.equity[2] / result.equity[1] - 1)


def test_a_reverse_split_pays_for_the_fraction_and_an_untrusted_link_keeps_the_value():
    close = np.array([[1000.0], [1000.0], [7000.0], [14000.0]])
    ratio = np.array([[np.nan], [1.0], [1 / 7], [1.0]])
    link = np.array([[np.nan], [1.0], [1.0], [np.nan]])
    tape = replace(
        tape_of_links(np.ones((4, 1))), close=close, open=close, high=close * 1.01, low=close * 0.99, ratio=ratio,
        link=link,
    )  # fmt: skip
    tape = replace(tape, **{name: np.repeat(getattr(tape, name), 2, axis=1) for name in _GRIDS}, **_two(tape))
    chosen = settings_of(
        construction={"side": "long_only", "kind": "top_k", "k": 1, "min_names": 2},
        schedule={"holding": 3, "lag": 1},
        costs={"bps": 0.0},
        account={"books": "cash", "capital": 3e6, "lot": 100},
    )
    score = np.full((4, 2), np.nan)
    score[0] = [1.0, 2.0]
    result = backtest(score, tape, chosen, record=True)
    np.testing.assert_array_equal(result.positions[:, 1], [0, 1000, 142, 71])
    assert result.ledger.in_lieu[2] == pytest.approx(6 / 7 * 7000)
    np.testing.assert_allclose(result.equity[1:], 3e6)
    np.testing.assert_allclose(result.gross[1:], 0, atol=1e-12)


_GRIDS = ("open", "high", "low", "close", "volume", "turnover", "ratio", "link")


def _two(tape):
    return {
        "codes": ("a", "b"),
        "terminal_return": np.full(2, np.nan),
        "last_bar": np.full(2, 3),
        "sector": np.zeros(2, dtype=np.int16),
    }


def test_what_cannot_be_borrowed_is_not_sold_short_but_can_be_sold():
    tape = replace(tape_of_links(np.ones((4, 4))), borrowable=np.ones((4, 4), dtype=bool))
    tape.borrowable[1] = False
    score = np.array([[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]])
    common = {"construction": {"quantiles": 2, "min_names": 4}, "costs": {"bps": 0.0}}
    late = settings_of(**common, schedule={"holding": 1, "lag": 1})
    result = backtest(score, tape, late, record=True)
    np.testing.assert_allclose(result.positions[1], [0.5, 0.5, 0, 0])  # the shorts of session 0 are refused
    np.testing.assert_array_equal(result.refusals.unborrowable, [0, 2, 0, 0])
    assert result.unfilled[1] == pytest.approx(0.5)
    np.testing.assert_allclose(result.positions[2], 0)  # session 1 could borrow nothing: no ranking, to cash
    np.testing.assert_allclose(result.positions[3], [-0.5, -0.5, 0.5, 0.5])


def test_volume_cuts_an_order_and_cash_books_go_on_with_it():
    calm = np.exp(np.random.default_rng(0).normal(0, 1e-9, (40, 4)))  # a volatility has to be known
    tape = tape_of_links(calm)
    tape.turnover[:] = 1e6
    score = np.full((40, 4), np.nan)
    score[15:25] = [4.0, 3.0, 2.0, 1.0]
    common = {
        "construction": {"quantiles": 2, "min_names": 4},
        "schedule": {"holding": 1, "lag": 1},
        "costs": {"bps": 0.0},
        "fills": {"max_participation": 0.1},
    }
    result = backtest(
        score, tape, settings_of(**common, account={"books": "cash", "capital": 1e6}), record=True
    )
    # 500,000 are wanted of each, 100,000 can be traded a session; the wish ends at the close of session 26.
    held = result.positions[:, 0] * tape.close[:, 0]
    np.testing.assert_allclose(held[16:27], [1e5, 2e5, 3e5, 4e5, *[5e5] * 6, 4e5], rtol=1e-6)
    np.testing.assert_allclose(held[27:32], [3e5, 2e5, 1e5, 0, 0], rtol=1e-6, atol=0.01)
    weights = backtest(score, tape, settings_of(**common, account={"capital": 1e6}), record=True)
    np.testing.assert_allclose(weights.positions[16:22, 0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.5], rtol=1e-6)
    assert weights.refusals.limited[16] == 4
    assert weights.unfilled[16] == pytest.approx(0.8)


def test_ruin_ends_the_account():
    link = np.ones((5, 20))
    link[2, 0] = 9.0
    score = np.tile(np.arange(20.0), (5, 1))
    chosen = settings_of(
        schedule={"holding": 1}, account={"books": "cash", "capital": 1e6}, costs={"bps": 0.0}
    )
    result = backtest(score, tape_of_links(link), chosen, record=True)
    assert result.ruined == 2
    assert result.gross[2] == pytest.approx(-4.0)
    assert (result.trades.row < 2).all()
    np.testing.assert_array_equal(result.net[3:], 0)
