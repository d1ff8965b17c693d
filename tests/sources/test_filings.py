"""Tables of what is published, in the names of J-Quants and in our own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from gogooku3.errors import DataError
from gogooku3.sources.filings import read_margin, read_short_selling, read_statements

VENDOR = {
    "DiscDate": ["2024-05-10", "2024-05-13"],
    "DiscTime": ["15:00:00", ""],
    "Code": ["13010", "130A0"],
    "DiscNo": ["1", "2"],
    "CurPerType": ["FY", "1Q"],
    "CurFYEn": ["2024-03-31", "2025-03-31"],
    "Sales": ["100529000000", "-"],
    "NxFNp": ["5", "＊"],  # noqa: RUF001 (full-width, as some tables have it)
    "Unknown": ["a", "b"],
}


def test_the_names_of_the_vendor_are_known(tmp_path: Path) -> None:
    pl.DataFrame(VENDOR).write_parquet(tmp_path / "2024-05.parquet")
    table = read_statements(tmp_path)
    assert table["date"].to_list() == [dt.date(2024, 5, 10), dt.date(2024, 5, 13)]
    assert table["time"].to_list() == ["15:00:00", None]
    assert table["sales"].to_list() == [100529000000.0, None]
    assert table["next_profit"].to_list() == [5.0, None]
    assert "Unknown" not in table.columns


def test_files_of_a_folder_may_lack_columns_that_others_have(tmp_path: Path) -> None:
    pl.DataFrame(VENDOR)[:1].write_parquet(tmp_path / "a.parquet")
    pl.DataFrame(VENDOR)[1:].drop("Sales").write_parquet(tmp_path / "b.parquet")
    pl.DataFrame(VENDOR)[1:].with_columns(Sales=pl.lit(None)).write_parquet(tmp_path / "c.parquet")
    assert read_statements(tmp_path)["sales"].to_list() == [100529000000.0, None, None]


def test_a_cell_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    good = pl.DataFrame({"code": ["1"], "date": ["2024-05-10"], "short": ["1"], "long": ["2"]})
    good.write_csv(tmp_path / "a.csv")
    pl.concat([good, good.with_columns(long=pl.lit("many"))]).write_csv(tmp_path / "b.csv")
    with pytest.raises(DataError) as error:
        read_margin(tmp_path)
    assert f"{tmp_path / 'b.csv'}, row 2, column long" in str(error.value)
    assert "many" in str(error.value)


def test_a_column_that_is_missing_and_a_folder_without_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the folder holds no tables"):
        read_short_selling(tmp_path)
    pl.DataFrame({"sector": ["a"], "date": ["2024-05-10"]}).write_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="a column is missing"):
        read_short_selling(tmp_path)
