from __future__ import annotations

import gzip
import hashlib
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError
from gogooku3.market.assemble import assemble
from gogooku3.market.bars import Bars
from gogooku3.market.settings import MarketSettings
from gogooku3.sources.base import Source
from gogooku3.sources.files import FileSource, read_bars
from gogooku3.sources.settings import SourceSettings

HEADER = "Date,Code,Open,High,Low,Close,Volume"
LINES = [
    "2020-09-29,01300,10,12,9,11,100",
    "2020-09-30,01300,11,13,10,12,110",
    "2020-09-29,130A0,20,22,19,21,200",
    "2020-09-30,130A0,21,23,20,22,210",
]
NAMES = ["date", "code", "open", "high", "low", "close", "volume"]
EXPECTED = [
    (date(2020, 9, 29), "01300", 10.0, 12.0, 9.0, 11.0, 100.0),
    (date(2020, 9, 30), "01300", 11.0, 13.0, 10.0, 12.0, 110.0),
    (date(2020, 9, 29), "130A0", 20.0, 22.0, 19.0, 21.0, 200.0),
    (date(2020, 9, 30), "130A0", 21.0, 23.0, 20.0, 22.0, 210.0),
]


def write(path: Path, header: str = HEADER, lines: list[str] | None = None) -> Path:
    path.write_text("\n".join([header, *(LINES if lines is None else lines)]) + "\n", encoding="utf-8")
    return path


def rows(bars: Bars, *more: str) -> list[tuple[object, ...]]:
    return bars.frame.select(*NAMES, *more).rows()


def test_csv_keeps_codes_as_text_and_rows_in_order(tmp_path: Path) -> None:
    path = write(tmp_path / "b.csv")
    bars = read_bars(path)
    assert rows(bars) == EXPECTED
    assert bars.frame.get_column("source_row").to_list() == [1, 2, 3, 4]
    assert bars.frame.get_column("source_file").cast(pl.String).unique().to_list() == ["b.csv"]
    assert bars.unparsed is None
    assert [(f.path, f.sha256) for f in bars.files] == [(path, hashlib.sha256(path.read_bytes()).hexdigest())]


def test_gzip_byte_order_mark_and_spaces(tmp_path: Path) -> None:
    text = "\ufeff" + "\n".join([HEADER, *(line.replace(",", " , ") for line in LINES)])
    path = tmp_path / "b.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert rows(read_bars(path)) == EXPECTED


@pytest.mark.parametrize(
    "header",
    [
        "DATE,ticker,O,H,L,C,Vo",
        "date,symbol,open,high,low,close,volume",
        "datetime,CODE,OPEN,HIGH,LOW,CLOSE,VOLUME",
        "Date,Code,AdjustmentOpen,AdjustmentHigh,AdjustmentLow,AdjustmentClose,AdjustmentVolume",
        "Date,Code,AdjO,AdjH,AdjL,AdjC,AdjVo",
        "Date,Code,AdjustmentOpen,AdjustmentHigh,AdjustmentLow,AdjustmentClose,Volume",
    ],
)
def test_names_that_vendors_use(tmp_path: Path, header: str) -> None:
    bars = read_bars(write(tmp_path / "b.csv", header))
    assert rows(bars) == EXPECTED
    assert "adj_factor" not in bars.frame.columns


def test_parquet_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(EXPECTED, schema=NAMES, orient="row")
    narrow = frame.with_columns(
        pl.col("open", "high", "low", "close").cast(pl.Float32), pl.col("volume").cast(pl.Int64)
    )
    kinds = {
        "plain": narrow,
        "categorical": narrow.with_columns(pl.col("code").cast(pl.Categorical)),
        "datetime": narrow.with_columns(pl.col("date").cast(pl.Datetime("ns"))),
        "tokyo": narrow.with_columns(pl.col("date").cast(pl.Datetime).dt.replace_time_zone("Asia/Tokyo")),
        "text": narrow.with_columns(pl.col("date").dt.strftime("%Y%m%d")),
        "number": narrow.with_columns(pl.col("date").dt.strftime("%Y%m%d").cast(pl.Int32)),
        "float": narrow.with_columns(pl.col("date").dt.strftime("%Y%m%d").cast(pl.Float64)),
        "stamp": narrow.with_columns(pl.col("date").dt.strftime("%Y-%m-%d 00:00:00")),
        "slashes": narrow.with_columns(pl.col("date").dt.strftime("%Y/%m/%d")),
        "prices as text": narrow.with_columns(pl.col("close").cast(pl.String)),
    }
    for name, table in kinds.items():
        path = tmp_path / f"{name}.parquet"
        table.write_parquet(path)
        bars = read_bars(path)
        assert rows(bars) == EXPECTED, name
        assert bars.frame.schema["close"] == pl.Float64
        assert bars.unparsed is None


def test_whole_number_codes_become_their_digits(tmp_path: Path) -> None:
    frame = pl.DataFrame(EXPECTED, schema=NAMES, orient="row").with_columns(code=pl.lit(1301))
    frame.write_parquet(tmp_path / "b.parquet")
    assert set(read_bars(tmp_path / "b.parquet").frame.get_column("code")) == {"1301"}


def test_a_folder_of_stocks(tmp_path: Path) -> None:
    bare = "Date,Open,High,Low,Close,Volume"
    folder = tmp_path / "stocks"
    folder.mkdir()
    write(folder / "01300.csv", bare, ["2020-09-29,10,12,9,11,100", "2020-09-30,11,13,10,12,110"])
    pl.DataFrame(EXPECTED[2:], schema=NAMES, orient="row").write_parquet(folder / "anything.parquet")
    (folder / "README.txt").write_text("not bars")
    bars = read_bars(folder)
    assert rows(bars) == EXPECTED
    origin = bars.frame.select(pl.col("source_file").cast(pl.String), "source_row").rows()
    assert origin == [("01300.csv", 1), ("01300.csv", 2), ("anything.parquet", 1), ("anything.parquet", 2)]
    assert [file.path.name for file in bars.files] == ["01300.csv", "anything.parquet"]
    only = FileSource(SourceSettings(bars=folder, pattern="*.csv")).load()
    assert rows(only) == EXPECTED[:2]


def test_per_day_split_factor_is_made_cumulative_without_the_future(tmp_path: Path) -> None:
    header = "Date,Code,O,H,L,C,Vo,Va,AdjFactor,AdjO,AdjH,AdjL,AdjC,AdjVo"
    closes = [(28, 100, 1), (29, 102, 1), (30, 51, 0.5), (31, 52, 1), (32, 13, 0.25)]
    days = {28: "2020-09-25", 29: "2020-09-28", 30: "2020-09-29", 31: "2020-09-30", 32: "2020-10-02"}
    lines = [f"{days[d]},1301,{c},{c},{c},{c},10,{c * 10},{f},1,1,1,1,1" for d, c, f in closes]
    forward = read_bars(write(tmp_path / "a.csv", header, lines)).frame
    assert forward.get_column("adj_factor").to_list() == [1.0, 1.0, 2.0, 2.0, 8.0]
    assert forward.get_column("close").to_list() == [100.0, 102.0, 51.0, 52.0, 13.0]
    assert forward.get_column("turnover").to_list() == [1000.0, 1020.0, 510.0, 520.0, 130.0]
    backward = read_bars(write(tmp_path / "b.csv", header, lines[::-1])).frame.sort("date")
    assert backward.get_column("adj_factor").to_list() == [1.0, 1.0, 2.0, 2.0, 8.0]
    past = read_bars(write(tmp_path / "c.csv", header, lines[:3])).frame
    assert past.get_column("adj_factor").to_list() == [1.0, 1.0, 2.0]
    twice = read_bars(write(tmp_path / "d.csv", header, [*lines, lines[2]])).frame
    assert twice.get_column("adj_factor").to_list() == [1.0, 1.0, 2.0, 2.0, 8.0, 2.0]
    market, _ = assemble(read_bars(tmp_path / "a.csv"), MarketSettings(), as_of=date(2021, 1, 1))
    assert market.link[1:, 0].tolist() == pytest.approx([1.02, 1.0, 52 / 51, 1.0])


def test_a_split_lasts_across_the_files_of_a_folder(tmp_path: Path) -> None:
    header = HEADER + ",AdjustmentFactor"
    closes = [("2019-12-26", 100, 1), ("2019-12-27", 50, 0.5), ("2020-01-06", 51, 1)]
    closes += [("2020-01-07", 17, 1 / 3), ("2020-01-08", 18, 1)]
    lines = [f"{day},1301,{c},{c},{c},{c},10,{f}" for day, c, f in closes]
    folder = tmp_path / "years"
    folder.mkdir()
    # the later year comes first, and repeats the last row of the year before
    write(folder / "a_2020.csv", header, lines[1:])
    write(folder / "b_2019.csv", header, lines[:2])
    frame = read_bars(folder).frame
    assert (
        frame.get_column("source_file").cast(pl.String).to_list() == ["a_2020.csv"] * 4 + ["b_2019.csv"] * 2
    )
    assert frame.get_column("adj_factor").to_list() == pytest.approx([2, 2, 6, 6, 1, 2])
    assert frame.get_column("close").to_list() == [50.0, 51.0, 17.0, 18.0, 100.0, 50.0]
    write(folder / "a_2020.csv", header, lines[2:])
    market, _ = assemble(read_bars(folder), MarketSettings(), as_of=date(2021, 1, 1))
    link = market.link[:, 0]
    assert link[~np.isnan(link)].tolist() == pytest.approx([1.0, 51 / 50, 1.0, 18 / 17])


def test_codes_of_a_folder_may_be_adjusted_in_different_ways_but_one_code_not(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    daily = [f"{line},{f}" for line, f in zip(LINES[:2], (1, 0.5), strict=True)]
    write(folder / "a.csv", HEADER + ",AdjustmentFactor", daily)
    write(folder / "b.csv", HEADER + ",adj_factor", [line + ",0.7" for line in LINES[2:]])
    assert read_bars(folder).frame.get_column("adj_factor").to_list() == [1.0, 2.0, 0.7, 0.7]
    write(folder / "c.csv", HEADER + ",adj_factor", ["2020-10-02,01300,10,12,9,11,100,0.7"])
    with pytest.raises(DataError, match="the first is 01300") as caught:
        read_bars(folder)
    assert "same columns" in str(caught.value)


def test_split_factors_of_two_stocks_stay_apart(tmp_path: Path) -> None:
    header = HEADER + ",AdjustmentFactor"
    lines = [f"{line},{f}" for line, f in zip(LINES, (1, 0.5, 1, 1), strict=True)]
    bars = read_bars(write(tmp_path / "b.csv", header, lines))
    assert bars.frame.get_column("adj_factor").to_list() == [1.0, 2.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["Adj Close", "adj_close", "AdjClose", "AdjustmentClose", "AdjC"])
def test_adjusted_close_beside_raw_prices_is_a_factor(tmp_path: Path, name: str) -> None:
    lines = [f"{line},{x}" for line, x in zip(LINES, (5.5, 6, 21, 22), strict=True)]
    bars = read_bars(write(tmp_path / "b.csv", f"{HEADER},{name}", lines))
    assert rows(bars) == EXPECTED
    assert bars.frame.get_column("adj_factor").to_list() == [0.5, 0.5, 1.0, 1.0]


def test_cumulative_factor_is_taken_as_it_is(tmp_path: Path) -> None:
    lines = [f"{line},{x}" for line, x in zip(LINES, (0.5, 0.6, 0.7, 0.8), strict=True)]
    bars = read_bars(write(tmp_path / "b.csv", HEADER + ",adj_factor", lines))
    assert bars.frame.get_column("adj_factor").to_list() == [0.5, 0.6, 0.7, 0.8]


def test_the_user_can_choose_the_adjustment(tmp_path: Path) -> None:
    lines = [f"{line},{x},{y}" for line, x, y in zip(LINES, (1, 1, 1, 0.5), (11, 12, 21, 11), strict=True)]
    path = write(tmp_path / "b.csv", HEADER + ",AdjFactor,Adj Close", lines)
    with pytest.raises(DataError, match="AdjFactor, Adj Close") as caught:
        read_bars(path)
    assert "source.adjustment" in str(caught.value)

    def factor(way: str) -> list[float]:
        frame = FileSource(SourceSettings.model_validate({"bars": path, "adjustment": way})).load().frame
        return frame.get_column("adj_factor").to_list()

    assert factor("daily_factor") == [1.0, 1.0, 1.0, 2.0]
    assert factor("adj_close") == [1.0, 1.0, 1.0, 0.5]
    none = FileSource(SourceSettings(bars=path, adjustment="none")).load().frame
    assert "adj_factor" not in none.columns
    with pytest.raises(DataError, match="lacks its column"):
        factor("adj_factor")


def test_adjusted_prices_by_choice(tmp_path: Path) -> None:
    header = HEADER + ",AdjustmentOpen,AdjustmentHigh,AdjustmentLow,AdjustmentClose,AdjustmentVolume"
    path = write(tmp_path / "b.csv", header, [line + ",1,2,0.5,1.5,7" for line in LINES])
    raw = read_bars(path)
    assert rows(raw) == EXPECTED
    assert raw.frame.get_column("adj_factor").to_list() == [1.5 / row[5] for row in EXPECTED]
    adjusted = FileSource(SourceSettings(bars=path, adjustment="adjusted")).load()
    assert rows(adjusted)[0][2:] == (1.0, 2.0, 0.5, 1.5, 7.0)
    assert "adj_factor" not in adjusted.frame.columns


@pytest.mark.parametrize("name", ["sector33_code", "Sector", "industry"])
def test_sectors_of_bars(tmp_path: Path, name: str) -> None:
    lines = [f"{line},{x}" for line, x in zip(LINES, ("0050", "-", "n/a", ""), strict=True)]
    bars = read_bars(write(tmp_path / "b.csv", f"{HEADER},{name}", lines))
    assert bars.frame.get_column("sector").to_list() == ["0050", None, None, None]


def test_listing(tmp_path: Path) -> None:
    listing = write(
        tmp_path / "l.csv",
        "Date,Code,CompanyName,sector33_code,sector33",
        ["20240101,130A0,Veritas,5250,IT", "20240101,01300,Kyokuyo,-,-", "20240101,130A0,Veritas,5250,IT"],
    )
    bars = read_bars(write(tmp_path / "b.csv"), listing=listing)
    assert bars.listing is not None
    assert bars.listing.rows() == [("01300", "Kyokuyo", None), ("130A0", "Veritas", "IT")]
    assert [file.path.name for file in bars.files] == ["b.csv", "l.csv"]
    codes = write(tmp_path / "c.csv", "Code", ["130A0"])
    only = read_bars(tmp_path / "b.csv", listing=codes).listing
    assert only is not None
    assert only.rows() == [("130A0", None, None)]


def test_delistings(tmp_path: Path) -> None:
    table = write(
        tmp_path / "d.csv", "Code,last_session,terminal_return", ["130A0,2020-09-30,-0.5", "01300,20200930,"]
    )
    bars = read_bars(write(tmp_path / "b.csv"), delistings=table)
    assert bars.delistings is not None
    assert bars.delistings.rows() == [("01300", date(2020, 9, 30), None), ("130A0", date(2020, 9, 30), -0.5)]
    market, _ = assemble(bars, MarketSettings(), as_of=date(2021, 1, 1))
    assert market.terminal_return.tolist() == [0.0, -0.5]


def test_file_source_is_a_source(tmp_path: Path) -> None:
    source: Source = FileSource(SourceSettings(bars=write(tmp_path / "b.csv")))
    assert source.load().frame.height == 4


def test_datetime_of_the_day_keeps_its_own_day(tmp_path: Path) -> None:
    frame = pl.DataFrame(EXPECTED, schema=NAMES, orient="row").with_columns(
        date=pl.lit(datetime(2020, 9, 29, 15, 0)).dt.replace_time_zone("Asia/Tokyo")  # noqa: DTZ001
    )
    frame.write_parquet(tmp_path / "b.parquet")
    assert set(read_bars(tmp_path / "b.parquet").frame.get_column("date")) == {date(2020, 9, 29)}
