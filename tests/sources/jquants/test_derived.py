"""What the lists of issues say a code is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from gogooku3.progress import Silent
from gogooku3.sources.files import FileSource
from gogooku3.sources.jquants.answer import schema
from gogooku3.sources.jquants.derived import listing, write_derived
from gogooku3.sources.jquants.endpoints import ENDPOINTS
from gogooku3.sources.jquants.store import Store
from gogooku3.sources.settings import SourceSettings

DAY = dt.date(2024, 5, 1)
CODES: list[tuple[str, str, str | None, bool]] = [
    ("72030", "0111", "011", True),  # Toyota
    ("14060", "0112", None, True),  # a list from before there were categories
    ("43850", "0113", "-", True),
    ("48750", "0113", "021", True),  # a foreign company's share
    ("13060", "0109", "014", False),  # an ETF on TOPIX
    ("13570", "0109", None, False),  # an inverse ETF
    ("89510", "0109", "013", False),  # a REIT
    ("20310", "0109", "", False),  # an ETN: no category
    ("25935", "0111", "011", False),  # a preferred share
    ("71830", "0111", "024", False),  # a depositary receipt
    ("33030", "0101", "012", False),  # preferred equity of a cooperative
]


def snapshots(day: dt.date = DAY) -> pl.DataFrame:
    rows = [(day, code, f"Company {code}", "Foods", market, kind) for code, market, kind, _ in CODES]
    return pl.DataFrame(rows, schema=["Date", "Code", "CoName", "S33Nm", "Mkt", "ProdCat"], orient="row")


def test_what_is_a_common_stock() -> None:
    found = dict(listing(snapshots()).select("code", "is_stock").iter_rows())
    assert found == {code: stock for code, _, _, stock in CODES}
    assert listing(snapshots(), only_stocks=False)["is_stock"].all()


def test_the_newest_list_says_it_and_one_that_says_nothing_changes_nothing() -> None:
    later = snapshots(dt.date(2024, 6, 3)).with_columns(
        ProdCat=pl.when(pl.col("Code") == "48750").then(None).otherwise("ProdCat"),
        Mkt=pl.when(pl.col("Code") == "43850").then(pl.lit("0109")).otherwise("Mkt"),
    )
    both = pl.concat([later, snapshots()])
    found = dict(listing(both).select("code", "is_stock").iter_rows())
    assert found == {code: stock and code != "43850" for code, _, _, stock in CODES}


def test_bars_that_are_read_with_the_listing_are_those_of_stocks(tmp_path: Path) -> None:
    notes: list[str] = []

    class Told(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    store, now = Store(tmp_path), dt.datetime(2024, 5, 2, tzinfo=dt.UTC)
    for name, columns in (
        ("listed", {}),
        ("bars_daily", dict.fromkeys("OHLC", 100.0) | {"Vo": 10.0, "AdjFactor": 1.0}),
    ):
        endpoint = ENDPOINTS[name]  # type: ignore[index]
        wanted = schema(endpoint)
        frame = snapshots().with_columns(pl.lit(value).alias(key) for key, value in columns.items())
        frame = frame.with_columns(pl.lit(None).alias(key) for key in wanted if key not in frame.columns)
        store.write(endpoint, DAY, frame.select(pl.col(key).cast(kind) for key, kind in wanted.items()), now)
    write_derived(store, progress=Told())
    assert notes[-1].startswith("listing: 4 common stocks; 7 other codes")
    source = SourceSettings(bars=tmp_path / "bars_daily", listing=tmp_path / "listing.parquet")
    bars = FileSource(source).load()
    assert set(bars.frame["code"]) == {code for code, *_, stock in CODES if stock}
    assert bars.others == tuple(sorted(code for code, *_, stock in CODES if not stock))
    write_derived(store, only_stocks=False)  # the setting is part of what the table is made of
    assert FileSource(source).load().frame["code"].n_unique() == len(CODES)
