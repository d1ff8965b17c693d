"""Codes that a listing says are no stocks are in no panel, whether it is built or appended to."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from gogooku3.errors import DataError
from gogooku3.pipeline.append import append
from gogooku3.pipeline.build import build, panel_of
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.sources.files import read_bars
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import simulate
from tests.pipeline.test_append import assert_same

ADDED = 3


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    settings = SimulationSettings(stocks=20, sessions=620, listed_later=0.0, delisted=0.0, seed=3)
    frame = simulate(settings, [(1, 1)]).bars.frame
    return frame.select("date", "code", "open", "high", "low", "close", "volume")


def run_of(folder: Path, bars: pl.DataFrame, listing: pl.DataFrame) -> Run:
    folder.mkdir()
    bars.write_parquet(folder / "bars.parquet")
    listing.write_csv(folder / "listing.csv")
    flags = {
        "run.folder": str(folder),
        "source.bars": str(folder / "bars.parquet"),
        "source.listing": str(folder / "listing.csv"),
        "universe.min_history": 40,
        "labels.horizons": [1],
        "panel.segment_sessions": 200,
    }
    return open_run(flags=flags, remembered=False)


def test_a_build_and_an_append_leave_them_out(bars: pl.DataFrame, tmp_path: Path) -> None:
    codes = bars["code"].unique().sort()
    other = pl.col("code").is_in(codes[:4].implode())
    listing = pl.DataFrame({"code": codes, "sector": ["a", "b"] * 10}).with_columns(is_stock=~other)
    early = pl.col("date") <= bars["date"].unique().sort()[-ADDED - 1]
    without = run_of(tmp_path / "without", bars.filter(~other), listing.filter(~other))
    build(without)
    run = run_of(tmp_path / "run", bars.filter(early), listing)
    build(run)
    assert panel_of(run).codes == tuple(codes[4:])
    bars.write_parquet(tmp_path / "all.parquet")
    assert append(run, tmp_path / "all.parquet").sessions == ADDED
    assert_same(panel_of(run), panel_of(without))


def test_a_flag_that_says_neither_is_refused(tmp_path: Path, bars: pl.DataFrame) -> None:
    bars.write_parquet(tmp_path / "b.parquet")
    (tmp_path / "l.csv").write_text("code,is_stock\n1301,true\n1302,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"does not say whether[\s\S]*row 2, column is_stock"):
        read_bars(tmp_path / "b.parquet", listing=tmp_path / "l.csv")
