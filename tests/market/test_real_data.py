"""Both real markets load by default, with the faults that their README names and no others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.market.assemble import assemble
from gogooku3.market.faults import Fault
from gogooku3.market.market import Market
from gogooku3.market.report import ValidationReport
from gogooku3.market.settings import MarketSettings
from gogooku3.sources.files import read_bars

pytestmark = pytest.mark.real_data


def subset(source: Path, target: Path, codes: list[str]) -> Path:
    pl.scan_parquet(source).filter(pl.col("code").is_in(codes)).collect().write_parquet(target)
    return target


def tokyo(bars: Path, folder: Path) -> tuple[Market, ValidationReport]:
    return assemble(read_bars(bars, listing=folder / "listing.csv"), MarketSettings())


def test_tokyo(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "jp_tse"
    codes = ["1301", "1401", "1662", "3760", "7203", "9204", "9872"]
    path = subset(folder / "prices_2013_2023.parquet", tmp_path / "jp.parquet", codes)
    market, report = tokyo(path, folder)
    assert market.codes == ("1301", "1401", "3760", "7203", "9204", "9872")
    assert report.lost_codes == ("1662",)
    assert report.counts[Fault.NULL_FACTOR] == 2686
    assert set(report.counts) == {Fault.NULL_FACTOR, Fault.CLOSE_OUTSIDE_RANGE, Fault.ZERO_VOLUME}
    assert report.missing_sessions == (date(2015, 12, 25), date(2016, 7, 11))
    assert np.datetime64("2020-10-01") not in market.sessions
    assert (market.sessions[0], market.sessions[-1]) == (
        np.datetime64("2013-01-04"),
        np.datetime64("2023-12-29"),
    )
    broken = [(jump.code, jump.session) for jump in report.jumps if jump.broken]
    assert ("3760", date(2013, 5, 7)) in broken
    assert market.names[market.codes.index("1301")] == "極洋"
    assert market.sector_names[market.sector[market.codes.index("7203")]] == "輸送用機器"
    assert np.isnan(market.terminal_return).all()

    raw = (
        pl.read_parquet(path)
        .filter(pl.col("code") == "7203")
        .sort("date")
        .with_columns(pl.col(pl.Float32).cast(pl.Float64))
    )
    total = (raw.get_column("close") * raw.get_column("adj_factor")).to_numpy()
    link = market.link[:, market.codes.index("7203")]
    np.testing.assert_allclose(link[np.isfinite(link)], total[1:] / total[:-1], rtol=1e-12)


def test_nasdaq(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "us_nasdaq" / "prices_2012_2017.parquet"
    path = subset(source, tmp_path / "us.parquet", ["AAPL", "ADRD", "BIIB", "FOXA", "GOOG", "ISTB"])
    market, report = assemble(read_bars(path), MarketSettings(calendar="XNYS"))
    assert market.codes == ("AAPL", "ADRD", "BIIB", "FOXA", "GOOG", "ISTB")
    assert report.missing_sessions == ()
    assert report.counts[Fault.HIGH_BELOW_LOW] == 1
    assert report.rows_kept == report.rows_read - 1
    day = int(np.flatnonzero(market.sessions == np.datetime64("2017-05-26"))[0])
    place = market.codes.index("ADRD")
    assert np.isnan([market.open[day, place], market.high[day, place], market.low[day, place]]).all()
    assert market.close[day, place] == pytest.approx(22.34)
    assert market.sector[place] == -1
    assert not market.broken.any()
    for grid in (market.open, market.high, market.low, market.close, market.factor):
        assert (grid[np.isfinite(grid)] > 0).all()


@pytest.mark.slow
def test_tokyo_in_full(shared_data: Path) -> None:
    folder = shared_data / "jp_tse"
    market, report = tokyo(folder / "prices_2013_2023.parquet", folder)
    assert market.close.shape == (2688, 2410)
    assert report.counts == {
        Fault.CLOSE_OUTSIDE_RANGE: 266,
        Fault.NULL_FACTOR: 10_744,
        Fault.ZERO_VOLUME: 100_862,
    }
    assert report.rows_read - report.rows_kept == 10_744
    assert sum(jump.broken for jump in report.jumps) == 14


@pytest.mark.slow
def test_nasdaq_in_full(shared_data: Path) -> None:
    bars = read_bars(shared_data / "us_nasdaq" / "prices_2012_2017.parquet")
    market, report = assemble(bars, MarketSettings(calendar="XNYS"))
    assert market.close.shape == (1275, 1026)
    assert report.rows_read - report.rows_kept == report.counts[Fault.HIGH_BELOW_LOW] == 1
    assert report.counts[Fault.NON_POSITIVE_PRICE] == 959 + 942 + 953
    assert report.missing_sessions == ()
