from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from gogooku3.errors import DataError, SettingsError
from gogooku3.market.calendar import calendar_bounds, exchange_today, sessions_between


def test_tokyo_outage_is_no_session() -> None:
    days = sessions_between("XTKS", date(2020, 9, 29), date(2020, 10, 5)).tolist()
    assert days == [date(2020, 9, 29), date(2020, 9, 30), date(2020, 10, 2), date(2020, 10, 5)]


def test_new_york_has_its_own_holidays() -> None:
    days = sessions_between("XNYS", date(2017, 7, 3), date(2017, 7, 5)).tolist()
    assert days == [date(2017, 7, 3), date(2017, 7, 5)]


def test_both_ends_count_and_a_weekend_is_empty() -> None:
    one = sessions_between("XTKS", date(2020, 10, 5), date(2020, 10, 5))
    assert one.tolist() == [date(2020, 10, 5)]
    assert one.dtype == np.dtype("datetime64[D]")
    assert sessions_between("XTKS", date(2020, 10, 3), date(2020, 10, 4)).size == 0


def test_reaches_before_the_default_range_of_the_library() -> None:
    days = sessions_between("XTKS", date(1999, 1, 1), date(1999, 1, 6)).tolist()
    assert days == [date(1999, 1, 4), date(1999, 1, 5), date(1999, 1, 6)]


def test_a_date_beyond_the_library_is_an_error() -> None:
    low, _ = calendar_bounds("XTKS")
    assert low == date(1997, 1, 1)
    with pytest.raises(DataError, match="1997-01-01"):
        sessions_between("XTKS", date(1996, 12, 31), date(1997, 2, 1))
    with pytest.raises(DataError, match="does not reach"):
        sessions_between("XNYS", date(1, 1, 1), date(1997, 2, 1))


def test_unknown_calendar() -> None:
    with pytest.raises(SettingsError, match="XTSE1"):
        sessions_between("XTSE1", date(2020, 1, 1), date(2020, 2, 1))


def test_the_day_is_the_one_at_the_exchange() -> None:
    """Half past eight in the morning in Tokyo is the evening before in New York, wherever the machine stands."""
    now = datetime(2024, 5, 1, 23, 30, tzinfo=UTC)
    assert exchange_today("XTKS", now) == date(2024, 5, 2)
    assert exchange_today("XNYS", now) == date(2024, 5, 1)
    with pytest.raises(SettingsError):
        exchange_today("XXXX", now)
