from __future__ import annotations

from pathlib import Path

import polars as pl

from gogooku3.market.assemble import assemble
from gogooku3.market.quarantine import write_quarantine
from gogooku3.market.settings import MarketSettings
from tests.market.tables import AS_OF, bars, clean, spoil


def test_rows_are_written_in_full_and_cannot_run_as_formulas(tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://x")'
    frame = clean(codes=("1301", evil)).with_columns(sector=pl.lit("\uff1dcmd"))
    last = frame.height
    frame = spoil(spoil(frame, last, close=-5.0), 1, volume=-7.0)
    _, report = assemble(bars(frame), MarketSettings(), as_of=AS_OF)
    path = tmp_path / "quarantine" / "rows.csv"
    write_quarantine(report, path)
    written = pl.read_csv(path, infer_schema=False)
    assert written.height == 2
    row = written.row(0, named=True)
    assert row["fault"] == "non_positive_price"
    assert (row["source_file"], row["source_row"], row["column"], row["value"]) == (
        "bars.csv",
        str(last),
        "close",
        "-5.0",
    )
    assert row["code"] == "'" + evil
    assert row["sector"] == "'\uff1dcmd"
    assert row["volume"] == str(frame.filter(pl.col("source_row") == last).get_column("volume").item())
    assert set(frame.columns) <= set(written.columns)
    assert written.row(1, named=True)["action"] == "cell"
    assert [path.name for path in path.parent.iterdir()] == ["rows.csv"]


def test_no_fault_gives_a_header(tmp_path: Path) -> None:
    _, report = assemble(bars(clean()), MarketSettings(), as_of=AS_OF)
    write_quarantine(report, tmp_path / "q.csv")
    assert (
        (tmp_path / "q.csv")
        .read_text()
        .startswith("fault,action,source_file,source_row,column,value,date,code")
    )
    assert len((tmp_path / "q.csv").read_text().splitlines()) == 1
