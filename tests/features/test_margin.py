"""What a margin balance says, by hand."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from gogooku3.features.margin import known_margin

FRIDAYS = [dt.date(2024, 5, 10), dt.date(2024, 5, 17), dt.date(2024, 5, 24), dt.date(2024, 6, 7)]


def balances(**columns: list[object]) -> pl.DataFrame:
    frame = pl.DataFrame({"code": ["1301"] * 4, "date": FRIDAYS, **columns})
    return frame.with_columns(pl.col("long", "short").cast(pl.Float64))


def by_hand() -> pl.DataFrame:
    return balances(long=[300, 100, 0, 80], short=[100, 300, 0, 20], long_negotiable=[75.0, 50.0, 0.0, None])


def test_values_by_hand() -> None:
    found = known_margin(by_hand(), "XTKS").frame
    assert found["mg_balance"].to_list() == [
        0.5,
        -0.5,
        None,
        0.6,
    ]  # nothing lent: a ratio of nothing is unknown
    assert found["mg_negotiable"].to_list() == [0.25, 0.5, None, None]
    assert found["mg_long"].to_list() == [300.0, 100.0, 0.0, 80.0]
    assert found["mg_short"].to_list() == [100.0, 300.0, 0.0, 20.0]
    assert (
        found["counted"].to_list() == FRIDAYS
    )  # shares of that day, and not of the one they were published on


def test_a_change_is_over_a_week_and_never_over_two() -> None:
    """The balance of the week before is missing for the first, unknown for the third, two weeks away for the last."""
    assert known_margin(by_hand(), "XTKS").frame["mg_balance_change"].to_list() == [None, -1.0, None, None]
    later = by_hand().filter(pl.col("date") != FRIDAYS[2])
    assert known_margin(later, "XTKS").frame["mg_balance_change"].to_list() == [None, -1.0, None]


def test_daily_balances_change_over_a_week_too() -> None:
    days = [dt.date(2026, 9, 28) + dt.timedelta(days=k) for k in (0, 1, 2, 3, 4, 7, 8)]
    frame = pl.DataFrame(
        {
            "code": ["1301"] * 7,
            "date": days,
            "long": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0],
            "short": [10.0] * 7,
        }
    )
    found = known_margin(frame, "XTKS").frame
    share = [(long - 10) / (long + 10) for long in range(10, 80, 10)]
    change = found["mg_balance_change"].to_list()
    assert change[:5] == [None] * 5
    assert change[5:] == pytest.approx([share[5] - share[0], share[6] - share[1]], rel=1e-15)
    assert found["session"].to_list()[:3] == [
        dt.date(2026, 9, 30),
        dt.date(2026, 10, 1),
        dt.date(2026, 10, 2),
    ]


def test_days_on_which_balances_are_public() -> None:
    """Those of Friday 10 May come on Tuesday 14 after the close; those of 2 May wait for Golden Week to end."""
    assert known_margin(by_hand(), "XTKS").frame["session"].to_list() == [
        dt.date(2024, 5, 15),
        dt.date(2024, 5, 22),
        dt.date(2024, 5, 29),
        dt.date(2024, 6, 12),
    ]
    golden = pl.DataFrame({"code": ["1301"], "date": [dt.date(2024, 5, 2)], "long": [1.0], "short": [1.0]})
    assert known_margin(golden, "XTKS").frame["session"].to_list() == [dt.date(2024, 5, 9)]


def test_a_day_of_publication_comes_before_the_rule() -> None:
    told = by_hand().with_columns(
        published=pl.Series([dt.date(2024, 5, 20), None, None, dt.date(2024, 6, 8)], dtype=pl.Date)
    )
    found = known_margin(told, "XTKS").frame.sort("mg_long")
    by_amount = dict(found.select("mg_long", "session").iter_rows())
    assert by_amount[300.0] == dt.date(2024, 5, 21)  # the session after a Monday
    assert by_amount[100.0] == dt.date(2024, 5, 22)
    assert by_amount[80.0] == dt.date(2024, 6, 10)  # published on a Saturday


def test_of_two_balances_public_at_once_the_newer_holds() -> None:
    told = by_hand().with_columns(published=pl.Series([dt.date(2024, 6, 20)] * 4))
    found = known_margin(told, "XTKS").frame
    assert found.height == 1
    assert found["mg_long"].item() == 80.0
