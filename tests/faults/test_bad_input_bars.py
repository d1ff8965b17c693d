"""Bad bars: each is found where it is, counted once, and set aside or refused."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, Gogooku3Error
from gogooku3.market.assemble import assemble
from gogooku3.market.faults import Fault
from gogooku3.market.market import Market
from gogooku3.market.report import FaultExample, ValidationReport
from gogooku3.market.settings import MarketSettings
from tests.market.tables import AS_OF, SESSIONS, again, bars, clean, spoil

ROW = 7  # stock 1301, its seventh session
D = 6


def run(frame: pl.DataFrame, **settings: object) -> tuple[Market, ValidationReport]:
    return assemble(bars(frame), MarketSettings.model_validate(settings), as_of=AS_OF)


def grids(market: Market) -> dict[str, np.ndarray]:
    names = (
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
    return {name: getattr(market, name) for name in names}


def assert_same(one: Market, other: Market) -> None:
    assert one.codes == other.codes
    assert np.array_equal(one.sessions, other.sessions)
    for name, grid in grids(one).items():
        np.testing.assert_array_equal(grid, grids(other)[name], err_msg=name)


def refused(frame: pl.DataFrame, fault: Fault, **settings: object) -> DataError:
    with pytest.raises(DataError) as caught:
        run(frame, **{"on_fault": "refuse"} | settings)
    assert str(fault) in str(caught.value)
    assert caught.value.remedy is not None
    return caught.value


def test_clean_bars_have_no_fault() -> None:
    market, report = run(clean(), on_fault="refuse")
    assert report.counts == {}
    assert report.quarantine.height == 0
    assert report.rows_kept == report.rows_read == clean().height
    assert market.present.all()


ROW_FAULTS = [
    ({"close": None}, Fault.NULL_PRICE, "close"),
    ({"close": math.nan}, Fault.NON_FINITE, "close"),
    ({"close": math.inf}, Fault.NON_FINITE, "close"),
    ({"close": -math.inf}, Fault.NON_FINITE, "close"),
    ({"close": 0.0}, Fault.NON_POSITIVE_PRICE, "close"),
    ({"close": -3.0}, Fault.NON_POSITIVE_PRICE, "close"),
    ({"high": 104.0, "low": 108.0}, Fault.HIGH_BELOW_LOW, "high"),
    ({"date": date(2020, 10, 1)}, Fault.NOT_A_SESSION, "date"),
    ({"date": date(2020, 9, 5)}, Fault.NOT_A_SESSION, "date"),
    ({"date": None}, Fault.MISSING_KEY, "date"),
    ({"code": None}, Fault.MISSING_KEY, "code"),
    ({"code": ""}, Fault.MISSING_KEY, "code"),
    ({"open": None, "high": None, "low": None, "close": None, "volume": 0.0}, Fault.NO_TRADE, "close"),
    ({"open": None, "high": None, "low": None, "close": None, "volume": None}, Fault.NO_TRADE, "close"),
    ({"open": None, "high": None, "low": None, "close": None}, Fault.NULL_PRICE, "close"),
]


@pytest.mark.parametrize(("cells", "fault", "column"), ROW_FAULTS)
def test_fault_that_takes_the_row(cells: dict[str, object], fault: Fault, column: str) -> None:
    frame = spoil(clean(), ROW, **cells)
    market, report = run(frame)
    assert report.counts == {fault: 1}
    (example,) = report.examples
    value = frame.filter(pl.col("source_row") == ROW).get_column(column).cast(pl.String).item()
    assert example == FaultExample(fault=fault, file="bars.csv", row=ROW, column=column, value=value)
    sound, _ = run(clean().filter(pl.col("source_row") != ROW))
    assert_same(market, sound)
    assert np.isnan(market.close[D, 0])
    set_aside = report.quarantine.row(0, named=True)
    assert (set_aside["fault"], set_aside["action"], set_aside["source_row"]) == (str(fault), "row", ROW)
    assert report.rows_kept == report.rows_read - 1
    assert refused(frame, fault).where == f"bars.csv, row {ROW}, column {column}"


CELL_FAULTS = [
    ({"open": 0.0}, Fault.NON_POSITIVE_PRICE, "open", ("open",)),
    ({"open": None}, Fault.NULL_PRICE, "open", ("open",)),
    ({"high": math.nan}, Fault.NON_FINITE, "high", ("high",)),
    ({"low": -1.0}, Fault.NON_POSITIVE_PRICE, "low", ("low",)),
    ({"open": 200.0}, Fault.OPEN_OUTSIDE_RANGE, "open", ("open",)),
    ({"open": 104.0}, Fault.OPEN_OUTSIDE_RANGE, "open", ("open",)),
    ({"close": 107.5}, Fault.CLOSE_OUTSIDE_RANGE, "close", ("high", "low")),
    ({"close": 104.5}, Fault.CLOSE_OUTSIDE_RANGE, "close", ("high", "low")),
    ({"volume": -5.0}, Fault.NEGATIVE_VOLUME, "volume", ("volume", "turnover")),
    ({"volume": None}, Fault.NULL_VOLUME, "volume", ("volume", "turnover")),
    ({"volume": math.inf}, Fault.NON_FINITE, "volume", ("volume", "turnover")),
]


@pytest.mark.parametrize(("cells", "fault", "column", "lost"), CELL_FAULTS)
def test_fault_that_takes_the_cell_leaves_the_rest(
    cells: dict[str, object], fault: Fault, column: str, lost: tuple[str, ...]
) -> None:
    frame = spoil(clean(), ROW, **cells)
    market, report = run(frame)
    assert report.counts == {fault: 1}
    assert (report.examples[0].row, report.examples[0].column) == (ROW, column)
    assert report.rows_kept == report.rows_read
    assert report.quarantine.select("action", "column").row(0) == ("cell", column)
    expected = grids(run(clean())[0])
    for name, value in cells.items():
        if name == "close":
            expected[name][D, 0] = value
            expected["turnover"][D, 0] = value * expected["volume"][D, 0]
    for name in lost:
        expected[name][D, 0] = np.nan
    for name, grid in grids(market).items():
        np.testing.assert_array_equal(grid, expected[name], err_msg=name)
    refused(frame, fault)


def test_float32_rounding_is_no_fault() -> None:
    market, report = run(spoil(clean(), ROW, close=107.0 * (1 + 0.9e-4), open=105.0 * (1 - 0.9e-4)))
    assert report.counts == {}
    assert market.present.all()


def test_zero_volume_is_a_note_only() -> None:
    market, report = run(spoil(clean(), ROW, volume=0.0), on_fault="refuse")
    assert report.counts == {Fault.ZERO_VOLUME: 1}
    assert report.quarantine.height == 0
    assert market.present.all()


@pytest.mark.parametrize("value", [-1.0, None, math.nan])
def test_bad_turnover_falls_back_to_close_times_volume(value: float | None) -> None:
    frame = clean().with_columns(turnover=pl.lit(5.0))
    market, report = run(spoil(frame, ROW, turnover=value))
    assert sum(report.counts.values()) == 1
    assert market.turnover[D, 0] == market.close[D, 0] * market.volume[D, 0]
    assert np.count_nonzero(market.turnover == 5.0) == frame.height - 1


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, Fault.NULL_FACTOR),
        (0.0, Fault.NON_POSITIVE_FACTOR),
        (-1.0, Fault.NON_POSITIVE_FACTOR),
        (math.inf, Fault.NON_FINITE),
    ],
)
def test_bad_adjustment_factor_takes_the_row(value: float | None, fault: Fault) -> None:
    market, report = run(spoil(clean().with_columns(adj_factor=pl.lit(0.5)), ROW, adj_factor=value))
    assert report.counts == {fault: 1}
    assert not market.present[D, 0]


def test_identical_duplicate_leaves_one() -> None:
    frame = again(clean(), ROW)
    market, report = run(frame)
    assert report.counts == {Fault.DUPLICATE_IDENTICAL: 1}
    assert report.examples[0].row == frame.height
    assert_same(market, run(clean())[0])
    refused(frame, Fault.DUPLICATE_IDENTICAL)


def test_conflicting_duplicates_are_refused_by_default() -> None:
    frame = again(clean(), ROW, close=106.5)
    assert refused(frame, Fault.DUPLICATE_CONFLICTING, on_fault="quarantine").where is not None


def test_conflicting_duplicates_by_policy_leave_none_of_them() -> None:
    frame = again(again(clean(), ROW, close=106.5), ROW)
    market, report = run(frame, policies={"duplicate_conflicting": "quarantine"})
    assert report.counts == {Fault.DUPLICATE_CONFLICTING: 3}
    assert not market.present[D, 0]
    assert np.count_nonzero(~market.present) == 1


def test_duplicate_of_a_faulty_row_does_not_count_against_the_sound_one() -> None:
    market, report = run(again(clean(), ROW, close=None))
    assert report.counts == {Fault.NULL_PRICE: 1}
    assert_same(market, run(clean())[0])


def test_future_date_is_refused_by_default_and_set_aside_by_policy() -> None:
    frame = spoil(clean(), ROW, date=date(2024, 1, 4))
    assert "2024-01-04" in str(refused(frame, Fault.FUTURE_DATE, on_fault="quarantine"))
    market, report = run(frame, policies={"future_date": "quarantine"})
    assert report.counts == {Fault.FUTURE_DATE: 1}
    assert market.sessions[-1] == np.datetime64(SESSIONS[-1])


def test_the_day_of_the_run_itself_is_no_future() -> None:
    _, report = assemble(bars(clean()), MarketSettings(), as_of=SESSIONS[-1])
    assert report.counts == {}
    with pytest.raises(DataError, match="future_date"):
        assemble(bars(clean()), MarketSettings(), as_of=SESSIONS[-2])


def test_date_before_the_calendar_is_refused() -> None:
    frame = spoil(clean(), ROW, date=date(1970, 1, 1))
    refused(frame, Fault.OUTSIDE_CALENDAR, on_fault="quarantine")
    _, report = run(frame, policies={"outside_calendar": "quarantine"})
    assert report.counts == {Fault.OUTSIDE_CALENDAR: 1}


def test_dates_of_another_exchange_doubt_the_calendar() -> None:
    from gogooku3.market.calendar import sessions_between

    days = sessions_between("XNYS", date(2018, 1, 1), date(2018, 12, 31)).tolist()
    with pytest.raises(DataError, match="do not fit the calendar") as caught:
        run(clean(sessions=days))
    assert "market.calendar" in str(caught.value)
    run(clean(sessions=days), calendar="XNYS", on_fault="refuse")


@pytest.mark.parametrize("volume", [None, 0.0, 9.0])
@pytest.mark.parametrize("nothing", [None, math.nan])
def test_all_null_day(nothing: float | None, volume: float | None) -> None:
    day = SESSIONS[9]
    on_day = pl.col("date") == day
    names = ("open", "high", "low", "close")
    frame = clean().with_columns(
        pl.when(on_day).then(pl.lit(nothing, dtype=pl.Float64)).otherwise(pl.col(name)).alias(name)
        for name in names
    )
    frame = frame.with_columns(
        pl.when(on_day).then(pl.lit(volume)).otherwise(pl.col("volume")).alias("volume")
    )
    market, report = run(frame)
    assert report.counts == {Fault.ALL_NULL_DAY: 3}
    assert report.all_null_days == (day,)
    assert report.missing_sessions == ()
    assert market.sessions[9] == np.datetime64(day)
    assert not market.present[9].any()
    assert market.previous_bar[10].tolist() == [8, 8, 8]
    refused(frame, Fault.ALL_NULL_DAY)


def test_missing_session_is_reported_and_stays_in_the_grid() -> None:
    market, report = run(clean().filter(pl.col("date") != SESSIONS[4]))
    assert report.missing_sessions == (SESSIONS[4],)
    assert len(market.sessions) == len(SESSIONS)
    assert not market.present[4].any()


def test_no_rows_left_is_never_a_success() -> None:
    with pytest.raises(DataError, match="no row is left") as caught:
        run(clean().with_columns(close=pl.lit(0.0)))
    assert "non_positive_price" in str(caught.value)


def test_empty_table() -> None:
    with pytest.raises(DataError, match="no row"):
        run(clean().head(0))


def test_only_unusable_dates() -> None:
    frame = clean().with_columns(date=pl.lit(None, dtype=pl.Date))
    with pytest.raises(DataError, match="no row is left"):
        run(frame)


@pytest.mark.parametrize("column", ["date", "code", "open", "high", "low", "close", "volume"])
def test_missing_column(column: str) -> None:
    with pytest.raises(DataError, match=column):
        run(clean().drop(column))


def test_column_of_another_type() -> None:
    with pytest.raises(DataError, match="close"):
        run(clean().with_columns(pl.col("close").cast(pl.String)))


def test_bar_after_delisting_and_a_bad_table_of_delistings() -> None:
    table = bars(clean(), [("1301", SESSIONS[-3], -0.4)])
    market, report = assemble(table, MarketSettings(), as_of=AS_OF)
    assert report.counts == {Fault.BAR_AFTER_DELISTING: 2}
    assert market.last_bar[0] == len(SESSIONS) - 3
    for wrong in (
        [("1301", SESSIONS[-3], -1.5)],
        [("1301", SESSIONS[-3], 0.0)] * 2,
        [("1301", None, math.nan)],
    ):
        with pytest.raises(DataError):
            assemble(bars(clean(), wrong), MarketSettings(), as_of=AS_OF)


def test_unknown_calendar_and_unknown_setting() -> None:
    with pytest.raises(Gogooku3Error, match="calendar is unknown"):
        run(clean(), calendar="TOKYO")
    with pytest.raises(ValueError, match="jump_limits"):
        MarketSettings.model_validate({"jump_limits": 3})
    with pytest.raises(ValueError, match="no_such_fault"):
        MarketSettings.model_validate({"policies": {"no_such_fault": "refuse"}})


def test_several_faults_are_counted_and_listed_apart() -> None:
    frame = spoil(spoil(clean(), ROW, close=math.nan, volume=-1.0), ROW + 1, close=math.inf)
    _, report = run(frame, examples=1)
    assert report.counts == {Fault.NON_FINITE: 2, Fault.NEGATIVE_VOLUME: 1}
    assert [example.row for example in report.examples] == [ROW, ROW]
    assert report.quarantine.select("fault", "source_row").rows() == [
        ("non_finite", ROW),
        ("non_finite", ROW + 1),
        ("negative_volume", ROW),
    ]


def test_policy_of_one_class_goes_before_the_general_one() -> None:
    frame = spoil(clean(), ROW, open=0.0)
    _, report = run(frame, on_fault="refuse", policies={"non_positive_price": "quarantine"})
    assert report.counts == {Fault.NON_POSITIVE_PRICE: 1}
    with pytest.raises(DataError, match="non_positive_price"):
        run(frame, policies={"non_positive_price": "refuse"})
