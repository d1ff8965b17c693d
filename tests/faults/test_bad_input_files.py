"""Bad files: each ends with a sentence that names the file, and where it can the row and column."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from gogooku3.errors import DataError, Gogooku3Error, StorageError
from gogooku3.market.assemble import assemble
from gogooku3.market.faults import Fault
from gogooku3.market.settings import MarketSettings
from gogooku3.sources.files import FileSource, read_bars
from gogooku3.sources.settings import SourceSettings
from gogooku3.storage.paths import inside
from tests.sources.test_files import EXPECTED, HEADER, LINES, NAMES, write


@pytest.mark.parametrize("name", ["b.csv", "b.parquet", "b.csv.gz"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    with pytest.raises(DataError, match="no row") as caught:
        read_bars(path)
    assert caught.value.where == str(path)


def test_header_only_and_table_without_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no row"):
        read_bars(write(tmp_path / "b.csv", lines=[]))
    pl.DataFrame(EXPECTED, schema=NAMES, orient="row").head(0).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="no row"):
        read_bars(tmp_path / "b.parquet")


@pytest.mark.parametrize("column", NAMES)
def test_missing_column_names_file_column_and_aliases(tmp_path: Path, column: str) -> None:
    path = tmp_path / "b.parquet"
    pl.DataFrame(EXPECTED, schema=NAMES, orient="row").drop(column).write_parquet(path)
    with pytest.raises(DataError, match=f"missing: {column}") as caught:
        read_bars(path)
    error = caught.value
    assert error.where == str(path)
    assert error.got == "columns " + ", ".join(name for name in NAMES if name != column)
    assert error.expected is not None
    assert error.expected.startswith(f"{column}: {column}, ")


@pytest.mark.parametrize(
    "header",
    [
        "Date,Code,Open,High,Low,Close,close",
        "Date,Code,Open,High,Low,Close,Close",
        "Date,Code,ticker,Open,High,Low,Close",
        "Date,Code,Open,High,Low,AdjustmentClose,Volume",
    ],
)
def test_ambiguous_columns(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataError) as caught:
        read_bars(write(tmp_path / "b.csv", header))
    assert "b.csv" in str(caught.value)
    assert caught.value.expected is not None


def test_daily_factor_that_is_a_cumulative_one(tmp_path: Path) -> None:
    lines = [f"{line},0.7" for line in LINES]
    with pytest.raises(DataError, match="looks like a cumulative one"):
        read_bars(write(tmp_path / "b.csv", HEADER + ",AdjFactor", lines))


@pytest.mark.parametrize(
    ("line", "column", "value", "action"),
    [
        ("2020-09-29,01300,10,12,9,eleven,100", "close", "eleven", "row"),
        ("2020-13-29,01300,10,12,9,11,100", "date", "2020-13-29", "row"),
        ("yesterday,01300,10,12,9,11,100", "date", "yesterday", "row"),
        ('2020-09-29,01300,10,"1,200",9,11,100', "high", "1,200", "cell"),
        ("2020-09-29,01300,10,12,9,11,n.a.", "volume", "n.a.", "cell"),
    ],
)
def test_cell_that_cannot_be_read(tmp_path: Path, line: str, column: str, value: str, action: str) -> None:
    bars = read_bars(write(tmp_path / "b.csv", lines=[*LINES[1:], line]))
    assert bars.frame.height == 4
    assert bars.unparsed is not None
    assert bars.unparsed.rows() == [("b.csv", 4, column, value)]
    market, report = assemble(bars, MarketSettings(), as_of=date(2021, 1, 1))
    assert report.counts == {Fault.UNPARSABLE: 1}
    example = report.examples[0]
    assert (example.file, example.row, example.column, example.value) == ("b.csv", 4, column, value)
    assert report.quarantine.select("action", "value").row(0) == (action, value)
    assert market.present.sum() == (3 if action == "row" else 4)
    with pytest.raises(DataError, match="unparsable") as caught:
        assemble(bars, MarketSettings(on_fault="refuse"), as_of=date(2021, 1, 1))
    assert caught.value.where == f"b.csv, row 4, column {column}"


def test_unreadable_factor_takes_the_row(tmp_path: Path) -> None:
    lines = [f"{line},{x}" for line, x in zip(LINES, ("1", "x", "1", "1"), strict=True)]
    bars = read_bars(write(tmp_path / "b.csv", HEADER + ",adj_factor", lines))
    market, report = assemble(bars, MarketSettings(), as_of=date(2021, 1, 1))
    assert report.counts == {Fault.UNPARSABLE: 1}
    assert market.present.sum() == 3


def test_short_line_is_not_lost(tmp_path: Path) -> None:
    bars = read_bars(write(tmp_path / "b.csv", lines=[*LINES, "2020-10-02,01300,10"]))
    _, report = assemble(bars, MarketSettings(), as_of=date(2021, 1, 1))
    assert report.rows_read == 5
    assert report.examples[0].row == 5


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.parquet", b"PAR1 but not really"),
        ("b.csv", "\n".join([HEADER, *LINES, "2020-10-02,01300,10,12,9,11,100,too,many"]).encode()),
        ("b.csv", b"Date,Code,Open\xff\xfe,High\n1,2,3,4\n"),
        ("b.csv.gz", b"\x1f\x8b\x08 broken"),
        ("b.xlsx", b"something"),
    ],
)
def test_damaged_or_unknown_file(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Gogooku3Error) as caught:
        read_bars(tmp_path / name)
    assert name in str(caught.value)


def test_absent_file_and_folder_without_bars(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_bars(tmp_path / "absent.csv")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="holds no bars"):
        read_bars(tmp_path)


def test_codes_as_floating_point_are_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame(EXPECTED, schema=NAMES, orient="row").with_columns(code=pl.lit(1301.0))
    frame.write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="leading zeros"):
        read_bars(tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("header", "lines"),
    [
        ("Code,last_session", ["01300,soon"]),
        ("Code,last_session,terminal_return", ["01300,2020-09-30,half"]),
        ("Code,terminal_return", ["01300,0.5"]),
    ],
)
def test_bad_delistings(tmp_path: Path, header: str, lines: list[str]) -> None:
    table = write(tmp_path / "d.csv", header, lines)
    with pytest.raises(DataError, match=r"d\.csv"):
        read_bars(write(tmp_path / "b.csv"), delistings=table)


def test_bad_listing(tmp_path: Path) -> None:
    bars = write(tmp_path / "b.csv")
    with pytest.raises(DataError, match="missing: code"):
        read_bars(bars, listing=write(tmp_path / "l.csv", "name", ["x"]))
    with pytest.raises(DataError, match="twice"):
        read_bars(bars, listing=write(tmp_path / "l.csv", "code,name", ["01300,a", "01300,b"]))


@pytest.mark.parametrize("pattern", ["../*.csv", "..", "/etc/*", "sub/*.csv", "..\\x.csv", ""])
def test_pattern_that_leaves_the_folder(pattern: str) -> None:
    with pytest.raises(ValidationError, match="inside the folder"):
        SourceSettings(bars=Path("folder"), pattern=pattern)


@pytest.mark.parametrize("name", ["../x.csv", "a/../../x", "/etc/passwd", "."])
def test_configured_name_that_leaves_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="leaves the folder"):
        inside(tmp_path, name)


def test_no_bars_named() -> None:
    with pytest.raises(DataError, match=r"source\.bars"):
        FileSource(SourceSettings())


def test_unknown_source_setting() -> None:
    with pytest.raises(ValidationError, match="adjustments"):
        SourceSettings.model_validate({"bars": "b.csv", "adjustments": "none"})
