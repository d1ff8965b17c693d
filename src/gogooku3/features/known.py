"""What became known of stocks on a day, and holds until something newer does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from gogooku3.axes import FloatLN
from gogooku3.errors import DataError


@dataclass(frozen=True, eq=False, kw_only=True)
class Known:
    """Values by stock or by sector, each from a session on.

    Attributes:
        family: What they are, such as ``statements``.
        by: Whether ``key`` is a stock's code or a sector's label.
        frame: ``key`` (String), ``session`` (Date; the first session at whose close the row was public) and values
            (Float64, null where unknown), one row a key and session. Where there is ``counted`` (Date), numbers of
            shares are those of that day: splits on later days have changed their size.
        holds: Calendar days that a row holds at most.
    """

    family: str
    by: Literal["code", "sector"]
    frame: pl.DataFrame
    holds: int

    def __post_init__(self) -> None:
        doubled = self.frame.select("key", "session").is_duplicated()
        if doubled.any():
            raise DataError(
                "a stock has two rows of one session",
                where=self.family,
                got=self.frame.filter(doubled).row(0),
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values."""
        return tuple(name for name in self.frame.columns if name not in {"key", "session", "counted"})


class Stepped:
    """Values that are known, laid out on a market's axes block by block.

    Args:
        known: Values by key.
        sessions: datetime64[D] [D], increasing.
        column: Columns of the market that a key stands for.
        width: Number N of the market's columns.
    """

    def __init__(
        self, known: Known, sessions: np.ndarray, column: Mapping[str, Sequence[int]], width: int
    ) -> None:
        frame = known.frame.filter(pl.col("key").is_in(list(column))).sort("key", "session")
        keys = frame.get_column("key").unique(maintain_order=True).to_list()
        self.holds, self.sessions, self.width = known.holds, sessions, width
        place = frame.get_column("key").replace_strict(
            {key: n for n, key in enumerate(keys)}, return_dtype=pl.Int64
        )
        self._place = place.to_numpy() if len(frame) else np.zeros(0, dtype=np.int64)
        self._day = frame.get_column("session").to_numpy().astype("datetime64[D]")
        self._row = np.searchsorted(sessions, self._day)
        self._counted = _last_session(frame, sessions)
        self._values = {
            name: np.append(frame.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy(), np.nan)
            for name in known.names
        }
        self._source = np.full(width, -1, dtype=np.int64)
        for n, key in enumerate(keys):
            self._source[list(column[key])] = n
        self._keys = len(keys)
        self._held: tuple[int, int, np.ndarray] | None = None

    def rows(self, name: str, start: int, stop: int) -> FloatLN:
        """Return a value on sessions [start, stop), [stop - start, N]; NaN where nothing is known or too old.

        Sessions before the first one have no value.
        """
        found: FloatLN = self._values[name][self._newest(start, stop)]
        return found

    def age(self, start: int, stop: int) -> FloatLN:
        """Return calendar days since each value was first usable, [stop - start, N]; NaN where there is none."""
        newest = self._newest(start, stop)
        days = np.append(self._day, np.datetime64("NaT", "D"))[newest]
        today = self.sessions[np.clip(np.arange(start, stop), 0, None)][:, None]
        passed: FloatLN = np.where(newest >= 0, (today - days).astype(np.float64), np.nan)
        return passed

    def since(self, start: int, stop: int) -> FloatLN:
        """Return sessions since the day on which each value's shares were counted, else since it was first usable.

        Infinite where that was before the first session, NaN where there is none.
        """
        row = np.append(self._counted, np.nan)[self._newest(start, stop)]
        passed: FloatLN = np.arange(start, stop)[:, None] - row
        return passed

    def _newest(self, start: int, stop: int) -> np.ndarray:
        """Return the newest row of each stock on each session, -1 where there is none that holds."""
        if self._held is None or self._held[:2] != (start, stop):
            self._held = (start, stop, self._found(start, stop))
        return self._held[2]

    def _found(self, start: int, stop: int) -> np.ndarray:
        first = max(start, 0)
        newest = np.full((stop - start, self._keys + 1), -1, dtype=np.int64)
        if self._keys and stop > first:
            span = len(self.sessions) + 1
            order = self._place * span + self._row
            before = np.searchsorted(order, np.arange(self._keys) * span + first, side="right") - 1
            own = (before >= 0) & (self._place[np.maximum(before, 0)] == np.arange(self._keys))
            newest[first - start, :-1] = np.where(own, before, -1)
            inside = np.flatnonzero((self._row > first) & (self._row < stop))
            newest[self._row[inside] - start, self._place[inside]] = inside
            newest = np.maximum.accumulate(newest, axis=0)
            newest = self._fresh(newest, first, start, stop)
        return newest[:, self._source]

    def _fresh(self, newest: np.ndarray, first: int, start: int, stop: int) -> np.ndarray:
        today = self.sessions[first:stop][:, None]
        held = newest[first - start :]
        days = (today - self._day[np.maximum(held, 0)]).astype(np.int64)
        newest[first - start :] = np.where((held >= 0) & (days <= self.holds), held, -1)
        return newest


def _last_session(frame: pl.DataFrame, sessions: np.ndarray) -> np.ndarray:
    """Return the session up to each row's day of counting, -inf before the first one, NaN where there is none."""
    name = "counted" if "counted" in frame.columns else "session"
    day = frame.get_column(name).cast(pl.Date).to_numpy().astype("datetime64[D]")
    row = np.searchsorted(sessions, day, side="right").astype(np.float64) - 1
    row[row < 0] = -np.inf
    row[np.isnat(day)] = np.nan
    return row
