"""A clock that goes only when somebody waits by it."""

from __future__ import annotations

import datetime as dt


class FakeClock:
    """Starts at a moment; `sleep` moves it on at once."""

    def __init__(self, now: dt.datetime) -> None:
        self.began = now
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> dt.datetime:
        return self.began + dt.timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds


def evening(day: dt.date, hour: int = 19) -> FakeClock:
    """A clock at an hour of a day in Tokyo; 24 and more are of the next days."""
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    return FakeClock(midnight + dt.timedelta(hours=hour - 9))
