"""The standard books: the default portfolio among them, each traded as its name says, none that data cannot carry."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.backtest_summary import summarise_backtest
from gogooku3.evaluation.backtest.benchmark_return import universe_return
from gogooku3.evaluation.backtest.relative import compare_with_benchmark
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.simulate import backtest
from gogooku3.evaluation.portfolio import simulate_portfolio
from gogooku3.evaluation.portfolio_settings import PortfolioSettings
from gogooku3.evaluation.portfolio_summary import summarise_portfolio
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.trading.plan import standard_plans
from gogooku3.evaluation.trading.settings import TradingSettings
from gogooku3.evaluation.trading.trade_score import account_costs, trade_score
from gogooku3.evaluation.trading.trading_to_dict import trading_to_dict
from gogooku3.labels.target import Target
from tests.evaluation.backtest.tapes import wild_score, wild_tape

PER_YEAR = 245.0
FIVE = Target(5, 1)
SETTINGS = TradingSettings(k=6, max_weight=0.2, capital=3e7, capitals=(1e7, 1e9))
JUDGED = EvaluationSettings(
    bootstrap_samples=100, portfolio=PortfolioSettings(borrow_bps_per_year=40.0, cost_bps=7.0)
)


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(3)
    tape = replace(wild_tape(rng, days=400, stocks=40), borrowable=None)
    return tape, wild_score(rng, tape), np.isfinite(tape.close)


def traded(market, target=FIVE, settings=SETTINGS, judged=JUDGED, **changes):
    tape, score, member = market
    tape = replace(tape, **changes)
    return trade_score(
        "m", target, score, tape, member, settings=settings, evaluation=judged, sessions_per_year=PER_YEAR
    )


@pytest.fixture(scope="module")
def trading(market):
    return traded(market)


@pytest.mark.parametrize("target", [Target(5, 1), Target(1, 0), Target(20, 2)])
@pytest.mark.parametrize("long_only", [False, True])
def test_the_first_book_is_the_default_portfolio(market, target, long_only):
    tape, score, _ = market
    portfolio = PortfolioSettings(
        borrow_bps_per_year=40.0, cost_bps=7.0, quantiles=5, long_only=long_only, min_names=25
    )
    judged = EvaluationSettings(bootstrap_samples=100, portfolio=portfolio)
    book = traded(market, target, judged=judged).books[0]
    old = simulate_portfolio(
        score,
        tape.link,
        sessions=tape.sessions,
        horizon=target.horizon,
        lag=target.lag,
        terminal_return=tape.terminal_return,
        last_bar=tape.last_bar,
        settings=portfolio,
        traded=tape.volume > 0,
    )
    np.testing.assert_allclose(book.net, old.net, rtol=0, atol=1e-12)
    every = np.ones(len(old.net), dtype=bool)
    summary = summarise_portfolio(old, every, sessions_per_year=PER_YEAR, settings=judged)
    for name in ("net_annual", "gross_annual", "sharpe_annual", "max_drawdown", "turnover", "break_even_bps"):
        assert getattr(book.summary, name) == pytest.approx(getattr(summary, name), rel=1e-9), name
    assert book.name.startswith("quintile long-only" if long_only else "quintile long-short")
    assert (book.relative is not None) == long_only


def test_every_book_is_the_backtest_of_its_settings(market, trading):
    tape, score, member = market
    assert [book.name for book in trading.books] == [
        "decile long-short, next close",
        "decile long-short, sector-neutral",
        "decile long-short, next open",
        "rank-weighted long-short",
        "top 6 long-short",
        "decile long-only",
        "top 6 long-only",
        "account of 30 million, decile long-short",
        "account of 30 million, top 6 long-only",
    ]
    assert trading.left_out == ()
    every = np.ones(len(tape.sessions), dtype=bool)
    benchmark = universe_return(tape, member)
    for book in trading.books:
        result = backtest(score, tape, book.settings)
        np.testing.assert_array_equal(book.net, result.net)
        summary = summarise_backtest(result, every, sessions_per_year=PER_YEAR, settings=JUDGED)
        assert book.summary == summary
        alone = book.settings.construction.side == "long_only"
        assert book.relative == (
            compare_with_benchmark(result.net, benchmark, sessions_per_year=PER_YEAR) if alone else None
        )
        assert book.text.endswith(".")
    assert len({book.net.tobytes() for book in trading.books}) == len(trading.books)


def test_each_book_does_what_its_name_says(trading):
    settings = [book.settings for book in trading.books]
    assert [s.construction.sector_neutral for s in settings] == [False, True, *[False] * 7]
    assert [s.schedule.entry for s in settings] == [*["close"] * 2, "open", *["close"] * 4, *["open"] * 2]
    assert [s.construction.k for s in settings] == [None] * 4 + [6, None, 6, None, 6]
    assert [s.construction.max_weight for s in settings] == [None] * 5 + [0.2, 0.2, None, 0.2]
    assert [s.account.lot for s in settings] == [0] * 7 + [100, 100]
    assert [s.costs.borrow_bps_per_year for s in settings] == [40.0] * 5 + [0.0, 0.0, 115.0, 0.0]
    assert [s.fills.limit_move for s in settings] == [None] + [0.13] * 8
    assert {s.schedule.holding for s in settings} == {5}
    assert {s.costs.bps for s in settings[:7]} == {7.0}


@pytest.mark.parametrize(("lag", "opened"), [(0, 1), (1, 1), (3, 3)])
def test_nothing_is_entered_at_an_opening_before_the_score(lag, opened):
    for plan in standard_plans(Target(10, lag), SETTINGS, JUDGED.portfolio):
        at_open = plan.settings.schedule.entry == "open"
        assert plan.settings.schedule.lag == (opened if at_open else lag)
        assert plan.settings.schedule.holding == 10
    names = {0: "same close", 1: "next close", 3: "close 3 sessions later"}
    assert names[lag] in standard_plans(Target(10, lag), SETTINGS, JUDGED.portfolio)[0].name


def test_years_by_hand(market, trading):
    tape, _, _ = market
    book = trading.books[0]
    assert [year.year for year in book.years] == ["2020", "2021"]
    rows = tape.sessions.astype("datetime64[Y]") == np.datetime64("2021")
    net = book.net[rows]
    assert book.years[1].net_annual == pytest.approx(net.mean() * PER_YEAR)
    assert book.years[1].sharpe_annual == pytest.approx(net.mean() / net.std(ddof=1) * math.sqrt(PER_YEAR))
    equity = np.cumprod(np.concatenate([[1.0], 1 + net]))
    assert book.years[1].max_drawdown == pytest.approx((1 - equity / np.maximum.accumulate(equity)).max())


def test_capacity_is_of_the_account_with_other_capitals(market, trading):
    tape, score, _ = market
    account = trading.books[7].settings
    assert [point.capital for point in trading.capacity] == [1e7, 1e9]
    richer = account.model_dump(exclude_unset=True)
    richer["account"]["capital"] = 1e9
    again = backtest(score, tape, BacktestSettings.model_validate(richer))
    assert trading.capacity[1].net_annual == pytest.approx(np.nanmean(again.net) * PER_YEAR)
    assert traded(market, settings=SETTINGS.model_copy(update={"capitals": ()})).capacity == ()


MISSING = {
    "opening price": ("open", {"decile long-short, next open"}, True),
    "high and a low": ("high", set(), True),
    "turnover": ("turnover", set(), True),
    "sector": ("sector", {"decile long-short, sector-neutral"}, False),
}


@pytest.mark.parametrize("reason", MISSING)
def test_what_the_data_cannot_carry_is_left_out_and_named(market, reason):
    name, others, accounts = MISSING[reason]
    nothing = np.full_like(market[0].open, np.nan)
    if name == "sector":
        nothing = np.full_like(market[0].sector, -1)
    trading = traded(market, **{name: nothing})
    both = {"account of 30 million, decile long-short", "account of 30 million, top 6 long-only"}
    gone = others | (both if accounts else set())
    assert {item.name for item in trading.left_out} == gone
    assert all(reason in item.reason for item in trading.left_out)
    assert len(trading.books) == 9 - len(gone)
    assert bool(trading.capacity) == (not accounts)


def test_a_leg_larger_than_the_market_is_left_out(market):
    trading = traded(market, settings=SETTINGS.model_copy(update={"k": 25}))
    assert [item.name for item in trading.left_out] == ["top 25 long-short"]
    assert "50 are needed" in trading.left_out[0].reason


def test_shared_cost_inputs_change_nothing_and_a_borrowable_list_is_for_shorts_only(market, trading):
    tape, score, member = market
    kwargs = {"settings": SETTINGS, "evaluation": JUDGED, "sessions_per_year": PER_YEAR}
    shared = account_costs(tape, SETTINGS)
    again = trade_score("m", Target(5, 1), score, tape, member, costs=shared, **kwargs)
    for one, other in zip(trading.books, again.books, strict=True):
        np.testing.assert_array_equal(one.net, other.net)
    assert account_costs(replace(tape, turnover=np.full_like(tape.open, np.nan)), SETTINGS) is None
    nobody = replace(tape, borrowable=np.zeros_like(member))
    lent = trade_score("m", Target(5, 1), score, nobody, member, **kwargs)
    assert np.isnan(lent.books[0].net).all()
    assert [book.name for book in lent.books] == [
        trading.books[0].name, *(book.name for book in trading.books if book.relative is not None)
    ]  # fmt: skip
    assert {item.reason for item in lent.left_out} == {"no session could be ranked so"}
    np.testing.assert_array_equal(lent.books[1].net, trading.books[5].net)


def test_a_book_in_which_nothing_was_traded_is_left_out(market):
    trading = traded(market, settings=SETTINGS.model_copy(update={"capital": 1e4}))
    assert [item.reason for item in trading.left_out] == ["no order was ever filled"] * 2
    assert len(trading.books) == 7


def test_what_does_not_fit_is_refused(market):
    tape, score, member = market
    kwargs = {"settings": SETTINGS, "evaluation": JUDGED, "sessions_per_year": PER_YEAR}
    with pytest.raises(EvaluationError, match="not aligned"):
        trade_score("m", Target(5, 1), score[1:], tape, member[1:], **kwargs)
    with pytest.raises(ValueError, match="do not rise"):
        TradingSettings(capitals=(2e8, 1e8))
    with pytest.raises(ValueError, match="greater than 0"):
        TradingSettings(capitals=(0.0,))


@pytest.mark.parametrize("changed", ["k", "max_weight", "capital", "lot", "borrow_bps_per_year", "capitals"])
def test_every_setting_is_used(market, trading, changed):
    other = {"k": 5, "max_weight": 0.15, "capital": 2e7, "lot": 0, "borrow_bps_per_year": 500.0,
             "capitals": (1e7, 2e9)}[changed]  # fmt: skip
    found = traded(market, settings=SETTINGS.model_copy(update={changed: other}))
    same = all(
        np.array_equal(a.net, b.net, equal_nan=True) for a, b in zip(trading.books, found.books, strict=True)
    )
    assert not same or found.capacity != trading.capacity


def test_plain_data_says_the_same(market, trading):
    found = trading_to_dict(trading)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["model"], found["target"], found["horizon"], found["lag"]) == ("m", "h5_d1", 5, 1)
    assert len(json.dumps(found)) < 50_000
    for book, data in zip(trading.books, found["books"], strict=True):
        assert data["summary"]["net_annual"] == book.summary.net_annual
        assert data["summary"]["net"]["t"] == book.summary.net.t
        assert data["settings"] == book.settings.model_dump(mode="json")
        assert (data["relative"] is None) == (book.relative is None)
        assert [year["year"] for year in data["years"]] == ["2020", "2021"]
    assert found["capacity"][1]["capital"] == 1e9
    empty = traded(
        market, sector=np.full_like(market[0].sector, -1), ratio=np.full_like(market[0].ratio, np.nan)
    )
    assert trading_to_dict(empty)["left_out"][0]["reason"] == "no stock's sector is known"
    nothing = np.zeros_like(market[0].volume)
    assert trading_to_dict(traded(market, volume=nothing))["books"][0]["summary"]["net_annual"] is None
