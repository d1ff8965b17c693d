"""What was published on a day and holds until something newer is."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import DataError
from gogooku3.features.known import Known, Stepped

DAYS = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-03-01"))[::2]
KEYS = ("a", "b", "c")


def oracle(rows: list[tuple[str, dt.date, float]], holds: int, start: int, stop: int) -> np.ndarray:
    """Go through every stock-day and every row."""
    out = np.full((stop - start, len(KEYS)), np.nan)
    for r in range(max(start, 0), stop):
        for n, key in enumerate(KEYS):
            told = [(day, value) for k, day, value in rows if k == key and np.datetime64(day) <= DAYS[r]]
            if told:
                day, value = max(told)
                if (DAYS[r] - np.datetime64(day)).astype(int) <= holds:
                    out[r - start, n] = value
    return out


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([*KEYS, "unknown"]),
            st.dates(dt.date(2023, 12, 1), dt.date(2024, 3, 20)),
            st.floats(-5, 5),
        ),
        max_size=25,
        unique_by=lambda row: row[:2],
    ),
    holds=st.integers(1, 60),
    start=st.integers(-4, 20),
    length=st.integers(1, 15),
)
@settings(deadline=None, max_examples=150)
def test_the_newest_value_holds_until_it_is_too_old(rows, holds, start, length):
    frame = pl.DataFrame(rows, schema={"key": pl.String, "session": pl.Date, "x": pl.Float64}, orient="row")
    known = Known(family="test", by="code", frame=frame, holds=holds)
    laid = Stepped(known, DAYS, {key: [n] for n, key in enumerate(KEYS)}, len(KEYS))
    stop = min(start + length, len(DAYS))
    np.testing.assert_array_equal(laid.rows("x", start, stop), oracle(rows, holds, start, stop))


def test_a_sector_stands_for_all_its_stocks_and_a_stock_may_have_none():
    frame = pl.DataFrame({"key": ["s"], "session": [dt.date(2024, 1, 3)], "x": [2.0]})
    laid = Stepped(Known(family="t", by="sector", frame=frame, holds=9), DAYS, {"s": [0, 2], "other": [1]}, 4)
    np.testing.assert_array_equal(laid.rows("x", 0, 3), [[np.nan] * 4, *[[2, np.nan, 2, np.nan]] * 2])
    np.testing.assert_array_equal(laid.age(0, 3)[:, 0], [np.nan, 0, 2])
    np.testing.assert_array_equal(laid.since(0, 3)[:, 0], [np.nan, 0, 1])


def test_what_was_known_before_the_first_session_is_of_unknown_age_in_sessions():
    frame = pl.DataFrame({"key": ["a"], "session": [dt.date(2023, 12, 31)], "x": [2.0]})
    laid = Stepped(Known(family="t", by="code", frame=frame, holds=9), DAYS, {"a": [0]}, 1)
    assert laid.rows("x", 0, 1).item() == 2
    assert laid.age(0, 1).item() == 1
    assert np.isinf(laid.since(0, 1)).all()


def test_shares_are_counted_on_a_day_of_their_own():
    counted = [dt.date(2024, 1, 4), None, dt.date(2023, 12, 30)]  # DAYS are the odd ones of January
    days = [dt.date(2024, 1, 7), dt.date(2024, 1, 11), dt.date(2024, 1, 15)]
    frame = pl.DataFrame({"key": ["a"] * 3, "session": days, "x": [2.0, 3.0, 4.0], "counted": counted})
    known = Known(family="t", by="code", frame=frame, holds=99)
    assert known.names == ("x",)
    laid = Stepped(known, DAYS, {"a": [0]}, 1)
    nan, inf = np.nan, np.inf
    np.testing.assert_array_equal(laid.since(0, 9)[:, 0], [nan, nan, nan, 2, 3, nan, nan, inf, inf])
    np.testing.assert_array_equal(laid.age(0, 9)[:, 0], [nan, nan, nan, 0, 2, 0, 2, 0, 2])


def test_two_rows_of_a_session_are_refused():
    frame = pl.DataFrame({"key": ["a", "a"], "session": [dt.date(2024, 1, 3)] * 2, "x": [2.0, 3.0]})
    with pytest.raises(DataError, match="two rows of one session"):
        Known(family="t", by="code", frame=frame, holds=9)
