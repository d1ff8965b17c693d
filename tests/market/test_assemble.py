from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import DataError
from gogooku3.market.assemble import assemble
from gogooku3.market.bars import Bars
from gogooku3.market.faults import Fault
from gogooku3.market.market import Market
from gogooku3.market.report import Jump, ValidationReport
from gogooku3.market.settings import MarketSettings
from tests.market.tables import AS_OF, SESSIONS, again, bars, clean, spoil

GRIDS = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "turnover",
    "factor",
    "broken",
    "terminal_return",
    "sector",
)


def run(table: Bars, **chosen: object) -> tuple[Market, ValidationReport]:
    return assemble(table, MarketSettings.model_validate(chosen), as_of=AS_OF)


def messy() -> pl.DataFrame:
    """Bars with halts, a split, a wild jump, and one fault of most classes."""
    frame = clean(codes=("1301", "130A", "9984", "01300", "2914"))
    frame = frame.with_columns(
        adj_factor=pl.when((pl.col("code") == "9984") & (pl.col("date") > SESSIONS[20]))
        .then(2.0)
        .otherwise(1.0),
        sector=pl.when(pl.col("code") == "2914")
        .then(None)
        .otherwise(pl.lit("s") + pl.col("code").str.slice(0, 1)),
    )
    frame = frame.filter(~((pl.col("code") == "130A") & pl.col("date").is_between(SESSIONS[8], SESSIONS[11])))
    frame = spoil(frame, 5, close=9.0, low=8.0, open=9.0)
    frame = spoil(spoil(frame, 90, volume=-1.0), 91, high=1.0)
    frame = spoil(spoil(frame, 100, date=date(2020, 10, 1)), 101, open=float("inf"))
    frame = again(again(frame, 120), 130, close=250.0, high=260.0)
    return spoil(frame, 140, close=None)


def scrambled(seed: int) -> pl.DataFrame:
    frame = messy()
    return frame[np.random.default_rng(seed).permutation(frame.height)]


POLICY = {"policies": {"duplicate_conflicting": "quarantine"}}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    market, report = run(bars(messy()), **POLICY)
    other, second = run(bars(scrambled(seed)), **POLICY)
    assert market.codes == other.codes
    assert market.sector_names == other.sector_names
    np.testing.assert_array_equal(market.sessions, other.sessions)
    for name in GRIDS:
        np.testing.assert_array_equal(getattr(market, name), getattr(other, name), err_msg=name)
    assert report.to_json() == second.to_json()
    assert report.quarantine.equals(second.quarantine)


def test_grids_against_a_loop() -> None:
    market, report = run(bars(messy()), **POLICY)
    gone = set(report.quarantine.filter(pl.col("action") == "row").get_column("source_row"))
    cells = {
        (row, column)
        for row, column in report.quarantine.filter(pl.col("action") == "cell")
        .select("source_row", "column")
        .iter_rows()
    }
    columns = {"open": "open", "close": "close", "volume": "volume", "adj_factor": "factor"}
    expected = {grid: np.full(market.close.shape, np.nan) for grid in columns.values()}
    day = {session: d for d, session in enumerate(market.sessions.tolist())}
    for row in messy().iter_rows(named=True):
        if row["source_row"] in gone:
            continue
        for column, grid in columns.items():
            if (row["source_row"], column) not in cells:
                expected[grid][day[row["date"]], market.codes.index(row["code"])] = row[column]
    for name, grid in expected.items():
        np.testing.assert_array_equal(getattr(market, name), grid, err_msg=name)
    np.testing.assert_array_equal(market.turnover, market.close * market.volume)
    assert market.codes == ("01300", "1301", "130A", "2914", "9984")
    assert report.rows_read - report.rows_kept == len(gone)


def test_factor_is_one_where_the_source_has_none() -> None:
    market, _ = run(bars(clean().filter(~((pl.col("code") == "1301") & (pl.col("date") == SESSIONS[3])))))
    assert np.isnan(market.factor[3, 0])
    assert np.nansum(market.factor) == market.present.sum()


def test_an_impossible_jump_breaks_the_link_and_a_large_one_is_listed() -> None:
    cells = {
        name: pl.col(name) * pl.when(pl.col("date") >= SESSIONS[10]).then(8.0).otherwise(1.0)
        for name in ("open", "high", "low", "close")
    }
    large = {
        name: pl.col(name) * pl.when(pl.col("date") >= SESSIONS[20]).then(0.4).otherwise(1.0)
        for name in ("open", "high", "low", "close")
    }
    one, two = pl.col("code") == "1301", pl.col("code") == "9984"
    frame = clean().with_columns(
        pl.when(one).then(cells[name]).when(two).then(large[name]).otherwise(pl.col(name)) for name in cells
    )
    market, report = run(bars(frame))
    assert np.argwhere(market.broken).tolist() == [[10, 0]]
    assert np.isnan(market.link[10, 0])
    assert np.isfinite(market.link[20, 2])
    assert [(jump.code, jump.session, jump.broken) for jump in report.jumps] == [
        ("1301", SESSIONS[10], True),
        ("9984", SESSIONS[20], False),
    ]
    assert report.jumps[0].ratio == pytest.approx(110.0 / 109.0 * 8.0)
    assert run(bars(frame), jump_limit=9.0)[1].jumps[0] == Jump(
        code="1301", session=SESSIONS[10], ratio=report.jumps[0].ratio, broken=False
    )
    factor = (
        pl.when(one & (pl.col("date") >= SESSIONS[10]))
        .then(0.125)
        .when(two & (pl.col("date") >= SESSIONS[20]))
        .then(2.5)
        .otherwise(1.0)
    )
    split, explained = run(bars(frame.with_columns(adj_factor=factor)))
    assert explained.jumps == ()
    assert not split.broken.any()


def test_an_impossible_fall_breaks_the_link_too() -> None:
    frame = clean()
    for name in ("open", "high", "low", "close"):
        frame = frame.with_columns(
            pl.when(pl.col("date") >= SESSIONS[10])
            .then(pl.col(name) * 0.2)
            .otherwise(pl.col(name))
            .alias(name)
        )
    market, report = run(bars(frame))
    assert np.argwhere(market.broken).tolist() == [[10, 0], [10, 1], [10, 2]]
    assert all(jump.broken for jump in report.jumps)


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(15, len(SESSIONS) - 1))
def test_jumps_and_validation_do_not_know_the_future(cut: int) -> None:
    market, _ = run(bars(messy()), **POLICY)
    past, _ = run(bars(messy().filter(pl.col("date") < SESSIONS[cut])), **POLICY)
    for name in ("open", "high", "low", "close", "volume", "turnover", "factor", "broken"):
        np.testing.assert_array_equal(getattr(past, name), getattr(market, name)[:cut], err_msg=name)


def test_endings() -> None:
    frame = clean(codes=("1", "2", "3", "4", "5"))
    keep = {"1": 35, "2": 15, "3": 15, "4": 25, "5": len(SESSIONS)}
    stays = pl.any_horizontal(
        (pl.col("code") == code) & pl.col("date").is_in(list(SESSIONS[:count]))
        for code, count in keep.items()
    )
    frame = frame.filter(stays)
    table = bars(frame, [("1", SESSIONS[34], -0.35), ("2", SESSIONS[14], None), ("77", SESSIONS[3], 0.1)])
    market, report = run(table, delisting_return=-0.3)
    expected = [-0.35, -0.3, -0.3, np.nan, np.nan]
    np.testing.assert_array_equal(market.terminal_return, expected)
    assert report.ended == ("3",)
    assert report.unlisted_delistings == ("77",)
    silent = len(SESSIONS) - 25
    assert np.isfinite(run(table, ended_after=silent - 1)[0].terminal_return[3])
    assert np.isnan(run(table, ended_after=silent)[0].terminal_return[3])
    np.testing.assert_array_equal(run(table)[0].terminal_return[:3], [-0.35, 0.0, 0.0])


def test_a_delisting_after_the_data_is_not_known_yet() -> None:
    market, report = run(bars(clean(), [("1301", date(2021, 5, 6), -0.5)]))
    assert np.isnan(market.terminal_return).all()
    assert report.ended == ()


def test_names_and_sectors() -> None:
    frame = clean().with_columns(
        sector=pl.when(pl.col("date") < SESSIONS[5]).then(pl.lit("old")).otherwise(pl.lit("new"))
    )
    listing = pl.DataFrame(
        {
            "code": ["1301", "9984", "7203"],
            "name": ["Kyokuyo", None, "Toyota"],
            "sector": ["Fishery", None, "Cars"],
        }
    )
    market, _ = run(Bars(frame=frame.reverse(), listing=listing))
    assert market.names == ("Kyokuyo", "", "")
    assert market.sector_names == ("Fishery", "old")
    assert market.sector.tolist() == [0, 1, 1]
    bare, _ = run(bars(clean()))
    assert bare.sector.tolist() == [-1, -1, -1]
    assert bare.sector_names == ()
    with pytest.raises(DataError, match="twice"):
        run(Bars(frame=frame, listing=pl.concat([listing, listing])))


def test_codes_without_a_usable_row_are_named() -> None:
    frame = clean().with_columns(
        adj_factor=pl.when(pl.col("code") == "130A").then(None).otherwise(pl.lit(1.0))
    )
    market, report = run(bars(frame))
    assert market.codes == ("1301", "9984")
    assert report.lost_codes == ("130A",)
    assert report.counts == {Fault.NULL_FACTOR: len(SESSIONS)}


def test_bars_without_origin_are_counted_through() -> None:
    frame = spoil(clean(), 7, close=None).drop("source_file", "source_row")
    _, report = run(Bars(frame=frame))
    assert (report.examples[0].file, report.examples[0].row) == ("bars", 7)


def test_the_report_speaks() -> None:
    _, report = run(bars(messy()), **POLICY)
    text = "\n".join(report.lines())
    for fault in report.counts:
        assert str(fault) in text
    assert "bars.csv row 140, close = null" in text
    assert report.to_json()["rows_quarantined"] == report.rows_read - report.rows_kept
