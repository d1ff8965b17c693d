"""Tables of a backtest, and the tape of a market."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.cost_grids import cost_grids
from gogooku3.evaluation.backtest.frames import daily_frame, holdings_frame, trades_frame
from gogooku3.evaluation.backtest.market_tape import market_tape
from gogooku3.evaluation.backtest.presets import tokyo_account
from gogooku3.evaluation.backtest.simulate import backtest
from tests.evaluation.backtest.settings_of import settings_of
from tests.evaluation.backtest.tapes import tape_of_links, wild_score, wild_tape


@pytest.mark.parametrize("account", [{}, {"books": "cash", "capital": 1e8, "lot": 100}])
def test_frames_add_up(account):
    rng = np.random.default_rng(0)
    tape = wild_tape(rng)
    result = backtest(wild_score(rng, tape), tape, settings_of(account=account), record=True)
    amount = "shares" if account else "weight"
    days, held, trades = daily_frame(result), holdings_frame(result), trades_frame(result)
    assert days.height == 60
    assert days["net"].null_count() == np.isnan(result.net).sum() > 0
    assert days["net"].is_nan().sum() == 0
    assert ("cash" in days.columns) == bool(account)
    assert held.select("date", "code").is_duplicated().sum() == 0
    assert (held[amount] != 0).all()
    counted = held.group_by("date").agg(pl.len()).sort("date")["len"].to_numpy()
    names = (result.long_names + result.short_names)[(result.positions != 0).any(axis=1)]
    np.testing.assert_array_equal(counted, names)
    assert trades.height == len(result.trades.row)
    assert (trades[amount] > 0).all()
    assert set(trades["side"]) == {"buy", "sell"}
    assert trades.equals(trades.sort("date", "code"))
    fees = trades.group_by("date").agg(pl.col("commission").sum()).sort("date")
    if account:
        assert (trades["shares"] % 100 == 0).mean() > 0.8
        np.testing.assert_allclose(trades["value"] * 1e-3, trades["commission"])
    else:
        paid = result.commission[np.isfinite(result.commission) & (result.commission > 0)]
        np.testing.assert_allclose(fees["commission"], paid)


def test_what_was_not_recorded_is_refused():
    result = backtest(np.ones((3, 20)), tape_of_links(np.ones((3, 20))), settings_of())
    for frame in (holdings_frame, trades_frame):
        with pytest.raises(EvaluationError, match="kept no"):
            frame(result)


def test_a_part_of_a_market_earns_what_the_whole_earns(market):
    rng = np.random.default_rng(1)
    score = rng.normal(size=market.close.shape)
    score[~market.present] = np.nan
    score[:150] = np.nan
    lent = rng.random(score.shape) < 0.9
    chosen = settings_of(construction={"quantiles": 3, "min_names": 4}, costs={"borrow_bps_per_year": 50})
    whole = backtest(score, market_tape(market, borrowable=lent), chosen)
    part = backtest(score[150:], market_tape(market, start=150, borrowable=lent), chosen)
    # Tranches are counted from the first session, and 150 is a multiple of the holding.
    np.testing.assert_allclose(part.net, whole.net[150:], atol=1e-14)
    assert np.isfinite(part.net).sum() > 160
    with pytest.raises(EvaluationError, match="borrowable list"):
        market_tape(market, borrowable=lent[:5])
    with pytest.raises(EvaluationError, match="no session"):
        market_tape(market, start=7, stop=7)


def test_a_tape_that_does_not_fit_is_refused():
    from dataclasses import replace

    tape = tape_of_links(np.ones((4, 5)))
    with pytest.raises(EvaluationError, match="not aligned"):
        replace(tape, codes=tape.codes[:4])
    with pytest.raises(EvaluationError, match="not in order"):
        replace(tape, sessions=tape.sessions[::-1])


def test_the_history_of_a_tape_makes_its_first_sessions_known(market):
    settings = tokyo_account(1e8)
    whole = cost_grids(market_tape(market), settings)
    part = market_tape(market, start=280)
    assert part.lead == 260
    late = cost_grids(part, settings)
    blind = cost_grids(replace(part, history=None), settings)
    for name in ("half_spread", "volatility", "daily_turnover"):
        known, cut = getattr(whole, name)[280:], getattr(late, name)
        np.testing.assert_allclose(cut, known, rtol=1e-9)
        assert (getattr(blind, name)[:5] != cut[:5]).any()
    with pytest.raises(EvaluationError, match="history"):
        replace(part, history=part)
