"""The simulated bars are a market: consistent, with its accidents, the same for the same seed."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from gogooku3.errors import SettingsError
from gogooku3.market.assemble import assemble
from gogooku3.market.settings import MarketSettings
from gogooku3.sources.base import Source
from gogooku3.sources.simulated import SimulatedSource, Simulation, SimulationSettings, simulate
from gogooku3.sources.simulation.prices import to_tick
from gogooku3.sources.simulation.stocks import draw_stocks, stock_codes

SETTINGS = SimulationSettings(stocks=120, sessions=500)


@pytest.fixture(scope="module")
def market() -> Simulation:
    return simulate(SETTINGS)


def grid(simulation: Simulation, column: str) -> np.ndarray:
    values = np.full(simulation.present.shape, np.nan)
    values[simulation.present] = simulation.bars.frame.get_column(column).to_numpy()
    return values


def test_schema_and_order(market: Simulation) -> None:
    frame = market.bars.frame
    numbers = ("open", "high", "low", "close", "volume", "adj_factor")
    assert dict(frame.schema) == {
        "date": pl.Date,
        "code": pl.String,
        **dict.fromkeys(numbers, pl.Float64),
        "sector": pl.String,
    }
    assert frame.equals(frame.sort("date", "code"))
    assert frame.select("date", "code").is_duplicated().sum() == 0
    assert sum(frame.null_count().row(0)) == 0
    listing, delistings = market.bars.listing, market.bars.delistings
    assert listing is not None
    assert delistings is not None
    assert listing.get_column("code").to_list() == list(market.codes)
    assert dict(delistings.schema) == {
        "code": pl.String,
        "last_session": pl.Date,
        "terminal_return": pl.Float64,
    }


def test_bars_are_consistent(market: Simulation) -> None:
    frame = market.bars.frame
    top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    assert frame.filter((pl.col("high") < top) | (pl.col("low") > bottom)).is_empty()
    assert frame.get_column("low").min() >= 10.0
    assert frame.get_column("high").max() < 200_000.0
    volume = frame.get_column("volume").to_numpy()
    assert (volume >= 100).all()
    np.testing.assert_array_equal(volume % 100, 0.0)


def test_the_market_accepts_them_without_a_finding(market: Simulation) -> None:
    grids, report = assemble(market.bars, MarketSettings(), as_of=date(2026, 1, 1))
    assert grids.codes == market.codes
    np.testing.assert_array_equal(grids.sessions, market.sessions)
    np.testing.assert_array_equal(grids.present, market.present)
    assert not grids.broken.any()
    assert report.counts == {}
    assert report.missing_sessions == ()
    assert report.ended == ()
    assert np.isfinite(grids.terminal_return).sum() == len(market.bars.delistings)


def test_sessions_are_the_exchanges() -> None:
    held = simulate(SimulationSettings(stocks=20, sessions=120, end=date(2021, 1, 2))).sessions
    assert len(held) == 120
    assert held[-1] == np.datetime64("2020-12-30")  # Tokyo closes on the last day of the year
    assert np.datetime64("2020-10-01") not in held  # the outage
    assert np.datetime64("2020-10-02") in held
    assert np.is_busday(held).all()


def test_accidents_happen(market: Simulation) -> None:
    present = market.present
    first = present.argmax(axis=0)
    last = len(present) - 1 - present[::-1].argmax(axis=0)
    assert (first > 0).sum() == round(0.12 * 120)
    assert (last < len(present) - 1).sum() == round(0.08 * 120)
    session = np.arange(len(present))[:, None]
    halted = ~present & (session > first) & (session < last)
    assert 0.0005 < halted.mean() < 0.004
    steps = grid(market, "adj_factor")
    ratio = steps[1:] / steps[:-1]
    assert (ratio > 1.9).sum() >= 5  # splits
    assert ((ratio > 1.001) & (ratio < 1.02)).sum() > 100  # dividends


def test_delistings_say_how_stocks_ended(market: Simulation) -> None:
    table = market.bars.delistings
    ends = market.bars.frame.group_by("code").agg(pl.col("date").max().alias("end"))
    joined = table.join(ends, on="code", how="left", maintain_order="left")
    assert joined.get_column("last_session").to_list() == joined.get_column("end").to_list()
    final = market.sessions[-1].item()
    assert set(table.get_column("code")) == set(ends.filter(pl.col("end") < final).get_column("code"))
    paid = table.get_column("terminal_return").to_numpy()
    taken, failed = np.abs(paid) <= 0.005, (paid >= -1.0) & (paid <= -0.3)
    assert (taken | failed).all()
    assert taken.any()
    assert failed.any()


def test_total_returns_are_smooth_across_splits(market: Simulation) -> None:
    close, factor = grid(market, "close"), grid(market, "adj_factor")
    split = factor[1:] / factor[:-1] > 1.9
    raw = np.abs(np.log(close[1:] / close[:-1]))[split]
    total = np.abs(np.log(close[1:] * factor[1:] / (close[:-1] * factor[:-1])))[split]
    assert raw.min() > 0.4
    assert total.max() < 0.25
    assert total.mean() < 0.03
    np.testing.assert_array_equal(market.adjusted, close * factor)
    value = close * grid(market, "volume")
    after_split = np.log(value[1:] / value[:-1])[split]
    assert abs(after_split.mean()) < 4.0 * after_split.std() / np.sqrt(len(after_split))


def test_returns_look_like_returns() -> None:
    simulation = simulate(
        SimulationSettings(stocks=60, sessions=1500, listed_later=0.0, delisted=0.0, halt_rate=0.0)
    )
    returns = np.diff(np.log(simulation.adjusted), axis=0)
    assert 0.012 < returns.std() < 0.03
    centred = returns - returns.mean(axis=0)
    kurtosis = (centred**4).mean(axis=0) / (centred**2).mean(axis=0) ** 2
    assert np.median(kurtosis) > 4.0
    size = np.abs(centred) - np.abs(centred).mean(axis=0)
    clustering = (size[1:] * size[:-1]).mean(axis=0) / (size**2).mean(axis=0)
    assert np.mean(clustering) > 0.05
    volume = np.log(simulation.bars.frame.get_column("volume").to_numpy().reshape(simulation.present.shape))
    with_move = [np.corrcoef(volume[1:, n], np.abs(returns[:, n]))[0, 1] for n in range(60)]
    assert np.mean(with_move) > 0.1
    persistence = [np.corrcoef(volume[1:, n], volume[:-1, n])[0, 1] for n in range(60)]
    assert np.mean(persistence) > 0.5
    market_return = returns.mean(axis=1)
    assert np.mean([np.corrcoef(returns[:, n], market_return)[0, 1] for n in range(60)]) > 0.3


def test_the_same_seed_gives_the_same_market(market: Simulation) -> None:
    again = simulate(SETTINGS)
    assert again.bars.frame.equals(market.bars.frame)
    assert again.bars.delistings.equals(market.bars.delistings)
    assert again.bars.listing.equals(market.bars.listing)
    np.testing.assert_array_equal(again.expected[5, 1], market.expected[5, 1])
    other = simulate(SETTINGS.model_copy(update={"seed": 1}))
    assert not other.bars.frame.equals(market.bars.frame)


def test_signals_leave_the_noise_alone(market: Simulation) -> None:
    quiet = simulate(SETTINGS.model_copy(update={"signals": ()}))
    np.testing.assert_array_equal(quiet.present, market.present)
    np.testing.assert_array_equal(grid(quiet, "adj_factor"), grid(market, "adj_factor"))
    gap = np.diff(np.log(market.adjusted), axis=0) - np.diff(np.log(quiet.adjusted), axis=0)
    planted = sum(signal.alpha for signal in market.signals.values())[:-1]
    both = np.isfinite(gap)
    assert np.corrcoef(gap[both], planted[both])[0, 1] > 0.98  # ticks are the rest


def test_the_source_gives_the_bars(market: Simulation) -> None:
    source: Source = SimulatedSource(SETTINGS)
    assert source.load().frame.equals(market.bars.frame)


@pytest.mark.parametrize("count", [20, 400, 4484, 9000])
def test_codes_are_text_of_every_form(count: int) -> None:
    codes = stock_codes(count)
    assert len(set(codes)) == count
    assert list(codes) == sorted(codes)
    assert {len(code) for code in codes} == {4, 5}
    assert "130A" in codes
    assert "01300" in codes


def test_leaders_are_the_largest_of_their_group() -> None:
    stocks = draw_stocks(SimulationSettings(stocks=50, group_size=6))
    assert (stocks.group >= 0).sum() == 48
    for group in range(8):
        members = np.flatnonzero(stocks.group == group)
        head = members[np.argmax(stocks.size[members])]
        assert stocks.leader[head] == -1
        assert (stocks.leader[members[members != head]] == head).all()


def test_ticks_keep_the_order_of_prices() -> None:
    np.testing.assert_allclose(
        to_tick(np.array([0.01, 999.96, 1000.3, 2999.9, 3000.4, 9999.6, 10_003.0, 30_006.0])),
        [0.1, 1000.0, 1000.5, 3000.0, 3000.0, 10_000.0, 10_005.0, 30_010.0],
    )
    prices = np.sort(np.random.default_rng(0).uniform(0.0, 40_000.0, 100_000))
    assert (np.diff(to_tick(prices)) >= 0).all()


def test_settings_refuse_what_is_impossible() -> None:
    with pytest.raises(ValidationError, match="named twice"):
        SimulationSettings(signals=("linear", "linear"))
    with pytest.raises(ValidationError, match="extra"):
        SimulationSettings.model_validate({"sharpe": 3})
    with pytest.raises(SettingsError, match="calendar is unknown"):
        simulate(SimulationSettings(calendar="NOWHERE"))
    with pytest.raises(SettingsError, match="target is impossible"):
        simulate(SETTINGS, [(0, 1)])
