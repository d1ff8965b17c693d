"""From an empty folder to a store of whole days, and every way in which that can go wrong."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gogooku3.errors import DataError, Gogooku3Error, SettingsError, StorageError
from gogooku3.market.faults import Fault
from gogooku3.market.settings import MarketSettings
from gogooku3.market.validation import validate
from gogooku3.sources.files import read_bars
from gogooku3.sources.jquants.corrections import read_corrections
from gogooku3.sources.jquants.endpoints import ENDPOINTS
from gogooku3.sources.jquants.fetch import fetch_jquants
from gogooku3.sources.jquants.fetched import Fetched
from gogooku3.sources.jquants.key import ApiKey
from gogooku3.sources.jquants.settings import JQuantsSettings
from gogooku3.sources.jquants.store import Store
from tests.sources.jquants.clocks import FakeClock, evening
from tests.sources.jquants.exchange import Exchange
from tests.sources.jquants.server import KEY, JQuantsServer

FIRST, LAST = dt.date(2024, 4, 22), dt.date(2024, 5, 24)
BARS, LISTED = ENDPOINTS["bars_daily"], ENDPOINTS["listed"]
ROOT = Path(__file__).resolve().parents[3]


def fetch(
    server: JQuantsServer, folder: Path, *, first: dt.date | None = FIRST, last: dt.date | None = LAST,
    clock: FakeClock | None = None, **settings: Any,
) -> Fetched:  # fmt: skip
    """Fetch into ``folder/store``; the server's clock agrees unless it was set."""
    clock = clock or evening(LAST)
    if server.now is None or server.follows:
        server.now, server.follows = clock.now, True
    chosen = {"plan": "premium", "timeout": 5.0, "attempts": 3, "base_url": server.url} | settings
    return fetch_jquants(
        JQuantsSettings.model_validate({"folder": folder / "store", **chosen}),
        ApiKey(KEY, "the test"),
        first=first,
        last=last,
        clock=clock,
        rng=random.Random(0),
    )


def files(folder: Path) -> dict[str, bytes]:
    """Every file of the store but the lock."""
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return {name: data for name, data in found.items() if not name.endswith(".lock")}


def test_everything_from_an_empty_folder(server: JQuantsServer, tmp_path: Path) -> None:
    server.page = 5
    done = fetch(server, tmp_path)
    sessions = [day for day in server.exchange.sessions if FIRST <= day <= LAST]
    assert list(done.sessions) == sessions
    assert done.days["bars_daily"] == done.days["indices"] == done.days["short_ratio"] == tuple(sessions)
    assert done.days["listed"] == (FIRST, dt.date(2024, 5, 1), LAST)
    assert len(done.days["statements"]) == (LAST - FIRST).days + 1
    assert done.days["margin_interest"] == tuple(
        dt.date(2024, *day) for day in ((4, 26), (5, 2), (5, 10), (5, 17), (5, 24))
    )
    assert not any(done.missing.values())
    assert done.requests == server.count()
    assert not done.corrections
    table = pl.read_parquet(tmp_path / "store" / "bars_daily" / "2024-05-01.parquet")
    assert table.columns == [
        "Date",
        "Code",
        "O",
        "H",
        "L",
        "C",
        "Vo",
        "Va",
        "AdjFactor",
        "UL",
        "LL",
        "ExRT",
        "MktCap",
    ]
    assert table.schema["Date"] == pl.Date
    assert table.height == 12
    want = {row["Code"]: row["C"] for row in server.exchange.bars(dt.date(2024, 5, 1))}
    assert dict(table.select("Code", "C").iter_rows()) == want
    topix = pl.read_parquet(tmp_path / "store" / "topix.parquet")
    assert topix.get_column("Date").to_list() == sessions
    assert topix.schema["C"] == pl.Float64  # came as text
    short = pl.read_parquet(tmp_path / "store" / "short_ratio" / f"{LAST}.parquet")
    assert short.get_column("S33Nm").to_list() == ["Fishery", "Transport", "Services"]
    statement = pl.read_parquet(tmp_path / "store" / "statements" / f"{LAST}.parquet").row(0, named=True)
    assert statement["Sales"] >= 100529000000
    assert (statement["NP"], statement["OP"], statement["CurPerEn"]) == (None, None, dt.date(2024, 3, 31))


def test_the_index_says_what_is_there(server: JQuantsServer, tmp_path: Path) -> None:
    from gogooku3.storage.hashing import digest_file

    fetch(server, tmp_path, endpoints=["bars_daily"])
    (entry,) = [
        one
        for one in json.loads((tmp_path / "store" / "index" / "bars_daily-2024.json").read_text())
        if one["day"] == "2024-05-01"
    ]
    name = "bars_daily/2024-05-01.parquet"
    assert entry["files"] == {name: {"rows": 12, "sha256": digest_file(tmp_path / "store" / name)}}
    assert (entry["rows"], entry["fetched_at"]) == (12, "2024-05-24T10:00:00+00:00")


def test_a_day_is_fetched_once(server: JQuantsServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    before, asked = files(tmp_path / "store"), server.count()
    done = fetch(server, tmp_path)
    assert done.requests == 0
    assert server.count() == asked
    assert files(tmp_path / "store") == before
    later = fetch(
        server,
        tmp_path,
        first=None,
        last=dt.date(2024, 5, 28),
        clock=evening(dt.date(2024, 5, 28)),
        refetch_sessions=0,
    )
    assert later.first == FIRST
    assert later.days["bars_daily"] == (dt.date(2024, 5, 27), dt.date(2024, 5, 28))
    days = server.days(BARS.path)
    assert len(days) == len(set(days))


def test_what_the_plan_does_not_include_is_skipped_and_said(server: JQuantsServer, tmp_path: Path) -> None:
    server.plan = "light"
    done = fetch(server, tmp_path, plan="light", endpoints=["bars_daily", "topix", "margin_interest"])
    assert set(done.skipped) == {"margin_interest"}
    assert "plan standard does" in done.skipped["margin_interest"]
    assert set(done.days) == {"bars_daily", "topix"}
    assert server.count(ENDPOINTS["margin_interest"].path) == 0


def test_the_free_plan_ends_twelve_weeks_ago(server: JQuantsServer, tmp_path: Path) -> None:
    done = fetch(
        server,
        tmp_path,
        plan="free",
        last=None,
        endpoints=["bars_daily"],
        clock=evening(dt.date(2024, 7, 22)),
    )
    assert done.last == dt.date(2024, 4, 29)
    with pytest.raises(SettingsError, match="no day to fetch"):
        fetch(server, tmp_path, plan="free", clock=evening(LAST))


def test_an_empty_store_needs_a_first_day(server: JQuantsServer, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--from"):
        fetch(server, tmp_path, first=None)
    assert server.count() == 0


def test_a_day_that_is_not_published_yet_is_asked_for_again(server: JQuantsServer, tmp_path: Path) -> None:
    server.exchange.published = dt.date(2024, 5, 23)
    done = fetch(server, tmp_path, first=dt.date(2024, 5, 15))
    assert done.missing["bars_daily"] == done.missing["short_ratio"] == done.missing["topix"] == (LAST,)
    assert done.missing["statements"] == (LAST,)
    assert not (tmp_path / "store" / "bars_daily" / f"{LAST}.parquet").exists()
    server.exchange.published = None
    done = fetch(server, tmp_path, first=dt.date(2024, 5, 15))
    assert done.days["bars_daily"] == done.days["topix"] == (LAST,)
    assert not any(done.missing.values())


def test_a_closed_day_and_an_old_empty_one_are_done_without_a_file(tmp_path: Path) -> None:
    halt = dt.date(2024, 4, 23)
    with JQuantsServer(Exchange(silent={halt})) as server:
        done = fetch(server, tmp_path, clock=evening(dt.date(2024, 6, 20)))
        assert halt in done.days["short_ratio"]
        assert halt in done.days["bars_daily"]
        assert not done.missing["short_ratio"]
        for folder in ("short_ratio", "bars_daily"):
            assert not (tmp_path / "store" / folder / f"{halt}.parquet").exists()
        assert pl.read_parquet(tmp_path / "store" / "bars_no_trade" / f"{halt}.parquet").height == 12
        assert not (tmp_path / "store" / "statements" / "2024-05-03.parquet").exists()
        assert dt.date(2024, 5, 3) in done.days["statements"]  # a holiday


def test_a_recent_day_without_any_price_is_not_there_yet(tmp_path: Path) -> None:
    with JQuantsServer(Exchange(silent={LAST})) as server:
        done = fetch(server, tmp_path, endpoints=["bars_daily"])
    assert done.missing["bars_daily"] == (LAST,)


def test_half_a_day_is_refused_and_not_stored(server: JQuantsServer, tmp_path: Path) -> None:
    server.fail(path=BARS.path, day=LAST, lie=lambda answer: {"data": answer["data"][:5]}, times=9)
    with pytest.raises(DataError, match="not whole") as caught:
        fetch(server, tmp_path, endpoints=["bars_daily"])
    assert f"{BARS.path} {LAST}" in str(caught.value)
    assert not (tmp_path / "store" / "bars_daily" / f"{LAST}.parquet").exists()
    assert (tmp_path / "store" / "bars_daily" / "2024-05-23.parquet").exists()
    server.faults.clear()
    assert fetch(server, tmp_path, endpoints=["bars_daily"]).days["bars_daily"] == (LAST,)


def test_a_thin_day_is_asked_for_again_at_once(tmp_path: Path) -> None:
    """Eight of twelve bars are stored, and the next call does not wait six hours for the others."""
    exchange = Exchange()
    exchange.withdrawn = {(code, LAST) for code in exchange.codes[:4]}
    with JQuantsServer(exchange) as server:
        fetch(server, tmp_path, endpoints=["bars_daily"])
        exchange.withdrawn = set()
        asked = server.count(BARS.path)
        done = fetch(server, tmp_path, endpoints=["bars_daily"])
        assert server.days(BARS.path)[asked:] == [LAST.isoformat()]
        assert len(done.corrections) == 4
        assert not fetch(server, tmp_path, endpoints=["bars_daily"]).requests


def test_a_stored_day_that_comes_back_thinner_is_refused(tmp_path: Path) -> None:
    """Three bars may be taken back; four of twelve are a bad answer, until somebody says otherwise."""
    later = {"endpoints": ["bars_daily"], "clock": evening(LAST, hour=28)}
    exchange = Exchange()
    with JQuantsServer(exchange) as server:
        fetch(server, tmp_path, endpoints=["bars_daily"])
        before = files(tmp_path / "store" / "bars_daily")
        exchange.withdrawn = {(code, LAST) for code in exchange.codes[:4]}
        with pytest.raises(
            DataError, match=f"(?s)not whole.*8 rows.*12 rows.*remove bars_daily/{LAST}.parquet"
        ):
            fetch(server, tmp_path, **later)
        assert files(tmp_path / "store" / "bars_daily") == before
        (tmp_path / "store" / "bars_daily" / f"{LAST}.parquet").unlink()
        assert fetch(server, tmp_path, **later).days["bars_daily"] == (LAST,)


def test_half_of_the_prices_is_half_a_day(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.idle = {(code, LAST) for code in exchange.codes[:7]}
    with JQuantsServer(exchange) as server, pytest.raises(DataError, match="5 rows"):
        fetch(server, tmp_path, endpoints=["bars_daily"])


@pytest.mark.parametrize(
    ("endpoint", "change", "words"),
    [
        ("bars_daily", {"AdjFactor": ...}, "lacks a field: AdjFactor"),
        ("bars_daily", {"Date": "2024-05-02"}, "of another day"),
        ("bars_daily", {"C": "many"}, "cannot be read"),
        ("bars_daily", {"C": "inf"}, "cannot be read"),
        ("bars_daily", {"C": True}, "cannot be read"),
        ("bars_daily", {"Code": 13010}, "cannot be read"),
        ("bars_daily", {"Code": None}, "has no key"),
        ("bars_daily", {"Code": "13080"}, "two rows have one key"),
        ("listed", {"S33Nm": ...}, "lacks a field: S33Nm"),
        ("listed", {"Date": "2024-05-07"}, "of another day"),
        ("statements", {"DiscNo": ...}, "lacks a field: DiscNo"),
        ("statements", {"DiscDate": "2024-02-30"}, "cannot be read"),
        ("calendar", {"HolDiv": "9"}, "says what is not known"),
        ("calendar", {"HolDiv": ...}, "lacks a field: HolDiv"),
        ("topix", {"Date": "2019-01-04"}, "of another day"),
    ],
)  # fmt: skip
def test_lies_are_refused_by_endpoint_day_and_field(
    server: JQuantsServer, tmp_path: Path, endpoint: str, change: dict[str, object], words: str
) -> None:
    def lie(answer: dict[str, Any]) -> object:
        row = answer["data"][0]
        for name, value in change.items():
            if value is ...:
                row.pop(name)
            else:
                row[name] = value
        return answer

    one = ENDPOINTS[endpoint]  # type: ignore[index]
    server.fail(path=one.path, day=None if one.days == "range" else dt.date(2024, 5, 1), lie=lie, times=9)
    with pytest.raises(DataError, match=words) as caught:
        fetch(server, tmp_path, endpoints=[endpoint])
    where = str(caught.value.where)
    assert one.path in where
    assert one.days == "range" or "2024-05-01" in where
    assert not (tmp_path / "store" / endpoint / "2024-05-01.parquet").exists()


def test_the_calendar_must_have_every_day(server: JQuantsServer, tmp_path: Path) -> None:
    server.fail(
        path="/markets/calendar", lie=lambda answer: {"data": answer["data"][:3] + answer["data"][4:]}
    )
    with pytest.raises(DataError, match="lacks a day") as caught:
        fetch(server, tmp_path)
    assert caught.value.got == "nothing for 2024-04-25"


def test_the_range_of_the_contract_is_said(server: JQuantsServer, tmp_path: Path) -> None:
    server.covers = (dt.date(2024, 5, 1), None)
    with pytest.raises(DataError, match="2024-05-01 ~"):
        fetch(server, tmp_path, endpoints=["bars_daily"])


def test_late_corrections_and_late_splits_are_found(tmp_path: Path) -> None:
    begin, split, wrong = dt.date(2024, 5, 13), dt.date(2024, 5, 21), dt.date(2024, 5, 22)
    exchange = Exchange(splits={("13080", split): 0.5}, announced=set())
    with JQuantsServer(exchange) as server:
        fetch(server, tmp_path, first=begin)
        exchange.announced = None
        exchange.corrections[("bars_daily", wrong, "13150", "C")] = 1234.5
        exchange.corrections[("margin_interest", LAST, "13150", "LongVol")] = 7.0
        exchange.corrections[("statements", LAST, exchange.statements(LAST)[0]["Code"], "Sales")] = "1"
        exchange.corrections[("bars_daily", begin, "13150", "C")] = 1.0  # before the window
        asked = server.count()
        now = evening(LAST, hour=9)
        now.began += dt.timedelta(days=1)
        done = fetch(server, tmp_path, first=begin, clock=now)
        window = [day for day in exchange.sessions if day <= LAST][-5:]
        assert server.days(BARS.path)[-5:] == [day.isoformat() for day in window]
        assert done.changed == {
            "bars_daily": (split, wrong),
            "statements": (LAST,),
            "margin_interest": (LAST,),
        }
        told = {(one.day, one.code, one.field): (one.old, one.new) for one in done.corrections}
        assert told[split, "13080", "AdjFactor"] == (1.0, 0.5)
        assert told[wrong, "13150", "C"][1] == 1234.5
        assert told[LAST, "13150", "LongVol"] == (1000.0, 7.0)
        assert len(told) == 4
        assert read_corrections(tmp_path / "store") == list(done.corrections)
        assert read_corrections(tmp_path / "store", since=now.now() + dt.timedelta(days=1)) == []
        stored = Store(tmp_path / "store").read(BARS, split).filter(pl.col("Code") == "13080")
        assert stored["AdjFactor"].to_list() == [0.5]
        asked = server.count()
        assert not fetch(server, tmp_path, first=begin, clock=now).requests  # looked at just now
        assert server.count() == asked


def test_rows_that_come_and_go_are_corrections(tmp_path: Path) -> None:
    with JQuantsServer() as server:
        fetch(server, tmp_path, endpoints=["bars_daily"])
        server.exchange.ended = {"13080": dt.date(2024, 5, 23)}
        done = fetch(server, tmp_path, endpoints=["bars_daily"], clock=evening(LAST, hour=28))
        (one,) = done.corrections
        assert (one.field, one.code, one.old, one.new) == ("row", "13080", True, False)


def test_a_field_that_is_no_longer_sent_is_no_correction(server: JQuantsServer, tmp_path: Path) -> None:
    fetch(server, tmp_path, endpoints=["bars_daily"])
    before = files(tmp_path / "store" / "bars_daily")

    def without(answer: dict[str, Any]) -> object:
        return {"data": [{k: v for k, v in row.items() if k != "MktCap"} for row in answer["data"]]}

    server.fail(path=BARS.path, lie=without, times=99)
    assert not fetch(server, tmp_path, endpoints=["bars_daily"], clock=evening(LAST, hour=28)).corrections
    assert files(tmp_path / "store" / "bars_daily") == before


def test_a_stored_day_that_comes_back_empty_is_refused(server: JQuantsServer, tmp_path: Path) -> None:
    fetch(server, tmp_path, endpoints=["statements"])
    before = files(tmp_path / "store")
    server.fail(path=ENDPOINTS["statements"].path, lie=lambda _: {"data": []}, times=99)
    with pytest.raises(DataError, match="not whole"):
        fetch(server, tmp_path, endpoints=["statements"], clock=evening(LAST, hour=28))
    after = files(tmp_path / "store")
    assert {name: data for name, data in after.items() if "statements/" in name} == {
        name: data for name, data in before.items() if "statements/" in name
    }


def test_bars_are_read_without_a_fault_and_no_split_is_lost(tmp_path: Path) -> None:
    idle, split = dt.date(2024, 5, 8), dt.date(2024, 5, 9)
    exchange = Exchange(
        splits={("13080", idle): 0.5, ("13150", split): 0.25},
        idle={("13080", idle), ("13220", idle)},
        listed={"13290": dt.date(2024, 5, 14)},
        ended={"13360": dt.date(2024, 5, 15)},
    )
    with JQuantsServer(exchange) as server:
        fetch(server, tmp_path, endpoints=["listed", "bars_daily"])
    store = tmp_path / "store"
    bars = read_bars(
        store / "bars_daily", listing=store / "listing.parquet", delistings=store / "delistings.parquet"
    )
    found = validate(bars, MarketSettings(), as_of=LAST)
    # the one row without a trade that stays carries a split
    assert found.counts == {Fault.NO_TRADE: 1}
    assert list(found.sessions.astype(object)) == [day for day in exchange.sessions if FIRST <= day <= LAST]
    factor = {
        code: part.sort("date").get_column("adj_factor").to_list()
        for (code,), part in found.frame.partition_by("code", as_dict=True).items()
    }
    assert (factor["13080"][0], factor["13080"][-1]) == (1.0, 2.0)
    assert (factor["13150"][0], factor["13150"][-1]) == (1.0, 4.0)
    assert pl.read_parquet(store / "bars_no_trade" / f"{idle}.parquet")["Code"].to_list() == ["13220"]
    assert bars.delistings is not None
    assert bars.delistings.rows() == [("13360", dt.date(2024, 5, 15), None)]
    assert bars.listing is not None
    assert bars.listing.height == 12
    assert set(bars.listing.columns) == {"code", "name", "sector"}


def test_a_split_on_a_day_on_which_nothing_trades(tmp_path: Path) -> None:
    halt = dt.date(2024, 4, 23)
    with JQuantsServer(Exchange(silent={halt}, splits={("13080", halt): 0.5})) as server:
        fetch(server, tmp_path, endpoints=["bars_daily"], clock=evening(dt.date(2024, 6, 20)))
    bars = read_bars(tmp_path / "store" / "bars_daily").frame.filter(pl.col("code") == "13080").sort("date")
    assert bars.get_column("adj_factor").to_list() == [1.0] + [2.0] * 21


def test_the_listing_keeps_the_earliest_sector_and_the_newest_name(tmp_path: Path) -> None:
    with JQuantsServer() as server:
        server.exchange.corrections[("listed", LAST, "13080", "S33Nm")] = "Later"
        server.exchange.corrections[("listed", LAST, "13080", "CoName")] = "Renamed"
        fetch(server, tmp_path, endpoints=["listed"])
    row = pl.read_parquet(tmp_path / "store" / "listing.parquet").row(
        by_predicate=pl.col("code") == "13080", named=True
    )
    assert row == {"code": "13080", "name": "Renamed", "sector": "Transport", "is_stock": True}
    assert not (tmp_path / "store" / "delistings.parquet").exists()


def test_margin_is_weekly_and_then_daily(tmp_path: Path) -> None:
    first, last = dt.date(2026, 9, 14), dt.date(2026, 9, 30)
    with JQuantsServer(Exchange(first=dt.date(2026, 9, 1), last=last)) as server:
        done = fetch(
            server,
            tmp_path,
            first=first,
            last=last,
            clock=evening(dt.date(2026, 10, 1)),
            endpoints=["margin_interest"],
        )
        # the week of 2026-09-24 ends in the daily regime
        asked = [dt.date.fromisoformat(day) for day in server.days(ENDPOINTS["margin_interest"].path)]
        assert asked == [
            day
            for day in server.exchange.sessions
            if day >= dt.date(2026, 9, 25) or day in (dt.date(2026, 9, 18), dt.date(2026, 9, 24))
        ]
    table = pl.read_parquet(tmp_path / "store" / "margin_interest" / "2026-09-28.parquet")
    assert table["PubDate"].unique().to_list() == [dt.date(2026, 9, 29)]
    assert table["ShrtVal"].null_count() == 0
    assert dt.date(2026, 9, 25) in done.days["margin_interest"]


def test_statements_that_come_before_midnight_are_not_lost(tmp_path: Path) -> None:
    path = ENDPOINTS["statements"].path
    with JQuantsServer() as server:
        server.fail(path=path, day=LAST, lie=lambda answer: {"data": answer["data"][:1]})
        options = {"endpoints": ["statements"], "refetch_sessions": 0}
        fetch(server, tmp_path, **options)
        assert not fetch(server, tmp_path, **options, clock=evening(LAST, hour=21)).requests
        done = fetch(server, tmp_path, **options, clock=evening(LAST, hour=31))
        assert server.days(path)[-1] == LAST.isoformat()
        assert {one.field for one in done.corrections} == {"row"}
        rows = server.exchange.statements(LAST)
        assert len(done.corrections) == len(rows) - 1 == 1
        asked = server.count(path)
        fetch(server, tmp_path, **options, clock=evening(LAST, hour=32 + 7))
        assert server.count(path) == asked


@pytest.mark.parametrize(("off", "words"), [(40, "40 days, .* behind"), (-40, "40 days, .* ahead")])
def test_by_a_wrong_clock_nothing_is_stored(tmp_path: Path, off: int, words: str) -> None:
    """Ahead, it would take empty days of the future as done; behind, nothing would ever be old."""
    right = evening(LAST)
    with JQuantsServer() as server:
        fetch(server, tmp_path, last=dt.date(2024, 5, 17), clock=right)
        before = files(tmp_path / "store")
        server.exchange.published = LAST
        server.now, server.follows = right.now() + dt.timedelta(days=off), False
        with pytest.raises(DataError, match=f"(?s)clock.*{words}"):
            fetch(server, tmp_path, last=None, clock=right)
        assert files(tmp_path / "store") == before


def test_a_refusal_by_the_server_is_not_told_by_a_wrong_clock(server: JQuantsServer, tmp_path: Path) -> None:
    server.now, server.covers = evening(LAST).now() - dt.timedelta(days=400), (FIRST, LAST)
    with pytest.raises(DataError, match="clock"):
        fetch(server, tmp_path)


def test_what_a_wrong_clock_left_is_asked_for_again(server: JQuantsServer, tmp_path: Path) -> None:
    """Days that an earlier version took as empty and done, with a time of the future beside them."""
    chosen: dict[str, Any] = {"endpoints": ["short_ratio"], "refetch_sessions": 0}
    fetch(server, tmp_path, **chosen)
    index = tmp_path / "store" / "index" / "short_ratio-2024.json"
    entries = json.loads(index.read_text())
    entries[3] |= {"rows": 0, "files": {}, "checked_at": "2024-09-01T00:00:00+00:00"}
    index.write_text(json.dumps(entries))
    done = fetch(server, tmp_path, **chosen)
    assert done.changed == {"short_ratio": (dt.date.fromisoformat(entries[3]["day"]),)}
    assert not fetch(server, tmp_path, **chosen).requests
    text = (tmp_path / "store" / "index" / "calendar.json").read_text()
    (tmp_path / "store" / "index" / "calendar.json").write_text(text.replace("2024-05-24T", "2024-09-24T"))
    assert fetch(server, tmp_path, **chosen).requests == 1


def test_two_fetches_do_not_meet(server: JQuantsServer, tmp_path: Path) -> None:
    from gogooku3.storage.lock import exclusive

    with (
        exclusive(tmp_path / "store" / ".lock", "test"),
        pytest.raises(StorageError, match="another process"),
    ):
        fetch(server, tmp_path)


def test_an_interrupt_leaves_whole_days(server: JQuantsServer, tmp_path: Path) -> None:
    class Stops:
        days = 0

        def start(self, task: str, total: int, unit: str) -> None: ...

        def note(self, text: str) -> None: ...

        def advance(self, units: int = 1) -> None:
            self.days += units
            if self.days == 9:
                raise KeyboardInterrupt

    settings = JQuantsSettings(plan="premium", base_url=server.url, folder=tmp_path / "store")
    server.now = evening(LAST).now()
    with pytest.raises(KeyboardInterrupt):
        fetch_jquants(
            settings, ApiKey(KEY, "test"), first=FIRST, last=LAST, clock=evening(LAST), progress=Stops()
        )
    fetch(server, tmp_path)
    days = server.days(BARS.path)
    assert len(days) == len(set(days)) == 22
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_kill_tears_nothing_and_costs_one_day(server: JQuantsServer, tmp_path: Path) -> None:
    code = f"""
import datetime as dt
from pathlib import Path
from gogooku3.sources.jquants.fetch import fetch_jquants
from gogooku3.sources.jquants.key import ApiKey
from gogooku3.sources.jquants.settings import JQuantsSettings
from tests.sources.jquants.clocks import evening
settings = JQuantsSettings(plan="premium", base_url={server.url!r}, folder=Path({str(tmp_path / "store")!r}))
last = dt.date(2024, 5, 24)
fetch_jquants(settings, ApiKey({KEY!r}, "test"), first=dt.date(2024, 4, 22), last=last, clock=evening(last))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    server.now = evening(LAST).now()
    server.fail(path=BARS.path, day=dt.date(2024, 5, 10), hang=60.0)
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE) as child:
        for _ in range(600):
            if "2024-05-10" in server.days(BARS.path):
                break
            time.sleep(0.1)
        child.send_signal(signal.SIGKILL)
    before = files(tmp_path / "store")
    assert "bars_daily/2024-05-09.parquet" in before
    assert "bars_daily/2024-05-10.parquet" not in before
    fetch(server, tmp_path)
    days = server.days(BARS.path)
    assert sorted({day for day in days if days.count(day) > 1}) == ["2024-05-10"]
    after = files(tmp_path / "store")
    assert all(after[name] == data for name, data in before.items() if "/2024" in name)


def test_files_without_an_entry_count_as_not_there(server: JQuantsServer, tmp_path: Path) -> None:
    fetch(server, tmp_path, endpoints=["bars_daily"])
    (tmp_path / "store" / "bars_daily" / "2024-05-01.parquet").unlink()
    assert fetch(server, tmp_path, endpoints=["bars_daily"]).days["bars_daily"] == (dt.date(2024, 5, 1),)
    (tmp_path / "store" / "index" / "bars_daily-2024.json").write_text("[{")
    with pytest.raises(StorageError, match="remove that file"):
        fetch(server, tmp_path, endpoints=["bars_daily"])


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
def test_no_room_for_a_day(server: JQuantsServer, tmp_path: Path) -> None:
    import resource

    fetch(server, tmp_path, last=dt.date(2024, 5, 1), endpoints=["bars_daily"])
    before = files(tmp_path / "store")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, usual[1]))
    try:
        with pytest.raises(StorageError, match="cannot be written") as caught:
            fetch(server, tmp_path, endpoints=["bars_daily"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "free space" in str(caught.value)
    after = files(tmp_path / "store")
    assert all(after[name] == data for name, data in before.items() if name.startswith("bars_daily/"))
    assert not list(tmp_path.rglob("*.partial"))
    done = fetch(server, tmp_path, endpoints=["bars_daily"])
    assert done.days["bars_daily"][-1] == LAST


def test_the_key_is_in_no_file_error_or_log(
    server: JQuantsServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import traceback

    echo = {"message": f"the key {KEY} is wrong"}
    texts = []
    for status in (400, 403, 429, 500):
        server.faults.clear()
        server.fail(path=BARS.path, status=status, message=echo["message"], times=9)
        with pytest.raises(Gogooku3Error) as caught:
            fetch(server, tmp_path)
        texts.append("".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__))
    server.faults.clear()
    server.fail(path=BARS.path, lie=lambda _: {"data": [{KEY: KEY}]})
    with pytest.raises(DataError) as caught:
        fetch(server, tmp_path)
    done = fetch(server, tmp_path)
    texts += [
        str(caught.value),
        caplog.text,
        repr(done),
        json.dumps(done.plain()),
        str(dataclasses.asdict(done)),
    ]
    assert not any(KEY in text for text in texts)
    everything = files(tmp_path)
    assert len(everything) > 50
    assert not any(KEY.encode() in data or KEY in name for name, data in everything.items())
