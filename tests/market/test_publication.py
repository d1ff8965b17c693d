"""From which session on something published may be used."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.market.publication import later_sessions, usable_sessions, weekly_sessions


def day(text: str) -> np.ndarray:
    return np.array([text], dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("published", "minutes", "usable"),
    [
        ("2024-11-01", 14 * 60 + 59, "2024-11-01"),  # the close was at 15:00
        ("2024-11-01", 15 * 60, "2024-11-05"),
        ("2024-11-05", 15 * 60 + 29, "2024-11-05"),  # and is at 15:30
        ("2024-11-05", 15 * 60 + 30, "2024-11-06"),
        ("2024-11-09", 10 * 60, "2024-11-11"),  # a Saturday
        ("2024-05-02", np.nan, "2024-05-07"),  # no time: the next session, after the holidays
        ("2024-05-04", np.nan, "2024-05-07"),
    ],
)
def test_a_disclosure(published: str, minutes: float, usable: str) -> None:
    assert usable_sessions("XTKS", day(published), np.array([minutes], dtype=np.float64)) == day(usable)


@pytest.mark.parametrize(
    ("balance", "usable"),
    [
        ("2024-11-08", "2024-11-13"),  # out on Tuesday after the close
        ("2024-11-01", "2024-11-07"),  # Monday is a holiday: out on Wednesday
        ("2024-12-27", "2025-01-07"),  # out on the second session of the next week and year
        ("2024-05-02", "2024-05-09"),
    ],
)
def test_a_weekly_balance(balance: str, usable: str) -> None:
    assert weekly_sessions("XTKS", day(balance)) == day(usable)


def test_later_sessions() -> None:
    days = np.array(["2024-11-08", "2024-11-09"], dtype="datetime64[D]")
    assert (
        later_sessions("XTKS", days, 2).tolist()
        == np.array(["2024-11-12"] * 2, dtype="datetime64[D]").tolist()
    )
    assert not len(later_sessions("XTKS", days[:0], 2))


def test_another_exchange_closes_at_another_time() -> None:
    assert usable_sessions("XNYS", day("2024-11-08"), np.array([15 * 60 + 59.0])) == day("2024-11-08")
    assert usable_sessions("XNYS", day("2024-11-29"), np.array([13 * 60.0])) == day(
        "2024-12-02"
    )  # half a day
