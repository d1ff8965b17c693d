"""On real bars: equal to the default portfolio, money conserved, locked days found and plausible spreads."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from gogooku3.evaluation.backtest.market_tape import market_tape
from gogooku3.evaluation.backtest.presets import tokyo_account
from gogooku3.evaluation.backtest.simulate import prepare, run
from gogooku3.evaluation.portfolio import simulate_portfolio
from gogooku3.evaluation.portfolio_settings import PortfolioSettings
from gogooku3.market.assemble import assemble
from gogooku3.market.bars import Bars
from gogooku3.market.settings import MarketSettings
from tests.evaluation.backtest.settings_of import settings_of

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def tokyo(request):
    folder = request.config.rootpath.parent / "shared" / "data" / "jp_tse"
    if not folder.is_dir():
        pytest.skip("real market data is not at ../shared/data")
    span = pl.col("date").is_between(pl.date(2019, 7, 1), pl.date(2020, 12, 31))
    frame = (
        pl.scan_parquet(folder / "prices_2013_2023.parquet")
        .filter(span, pl.col("code").hash(0) % 6 == 0)
        .with_columns(pl.col("open", "high", "low", "close", "volume", "adj_factor").cast(pl.Float64))
        .rename({"sector33_code": "sector"})
        .collect()
    )
    market, _ = assemble(Bars(frame=frame), MarketSettings(), as_of=date(2024, 1, 5))
    rng = np.random.default_rng(0)
    score = rng.normal(size=market.close.shape)
    score[~market.present] = np.nan
    return market, score


def test_real_days_are_those_of_the_default_portfolio(tokyo):
    market, score = tokyo
    old = simulate_portfolio(
        score,
        market.link,
        sessions=market.sessions,
        horizon=5,
        lag=1,
        terminal_return=market.terminal_return,
        last_bar=market.last_bar,
        settings=PortfolioSettings(borrow_bps_per_year=100.0),
        traded=market.volume > 0,
    )
    chosen = settings_of(fills={"limit_move": None}, costs={"borrow_bps_per_year": 100})
    new = run(prepare(score, market_tape(market), chosen))
    for name in ("gross", "net", "traded", "borrow", "unfilled"):
        np.testing.assert_allclose(getattr(new, name), getattr(old, name), rtol=0, atol=1e-12)


def test_a_real_account_adds_up(tokyo):
    market, score = tokyo
    prepared = prepare(score, market_tape(market), tokyo_account(1e9))
    result = run(prepared, record=True)
    trades, ledger = result.trades, result.ledger
    paid = trades.amount * trades.price + trades.commission + trades.spread + trades.impact
    base = np.nan_to_num(np.concatenate([[1e9], result.equity[:-1]]), nan=1e9)
    flow = ledger.distributed + ledger.in_lieu + ledger.terminal - np.nan_to_num(result.borrow) * base
    flow -= np.bincount(trades.row, paid, len(flow))
    np.testing.assert_allclose(ledger.cash, 1e9 + np.cumsum(flow), rtol=0, atol=0.5)
    assert (result.positions == np.rint(result.positions)).all()
    assert result.refusals.locked.sum() > 0
    locked = prepared.status == 2
    assert 0 < locked.mean() < 0.005
    late = prepared.costs.half_spread[-1] * 2e4
    daily = prepared.costs.daily_turnover[-1]
    order = np.argsort(daily)
    third = len(order) // 3
    assert np.median(late[order[:third]]) > 2 * np.median(late[order[-third:]])
