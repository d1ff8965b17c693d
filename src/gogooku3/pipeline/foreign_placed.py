"""Scores of another tool on the sessions and stocks of the bars, and the count of all that has no place there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from gogooku3.axes import BoolDN, FloatDN
from gogooku3.errors import DataError
from gogooku3.market.market import Market
from gogooku3.pipeline.foreign_scores import ForeignScores

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """Rows that cannot be judged, and why."""

    why: str
    rows: int
    examples: str

    @property
    def text(self) -> str:
        """One sentence."""
        return f"{self.rows:,} rows set aside: {self.why} ({self.examples})"


@dataclass(frozen=True, eq=False, kw_only=True)
class Placed:
    """Scores on the grids of a market.

    Attributes:
        frame: The rows that are judged.
        day, stock: Session and stock of each row, int64 [R].
        universe: Membership on all sessions, [D, N].
        start, stop: The sessions from the first to after the last row.
        end: First session whose prices may not be looked at.
        set_aside: What is not judged.
    """

    frame: pl.DataFrame
    day: np.ndarray
    stock: np.ndarray
    universe: BoolDN
    start: int
    stop: int
    end: int
    set_aside: tuple[SetAside, ...]

    def grid(self, name: str) -> FloatDN:
        """Return a column of scores on the judged sessions, [stop - start, N]; NaN where there is none."""
        grid = np.full((self.stop - self.start, self.universe.shape[1]), np.nan)
        values = self.frame.get_column(name).to_numpy().astype(np.float64)
        grid[self.day - self.start, self.stock] = values
        return grid


def place(
    scores: ForeignScores, market: Market, *, member: BoolDN | None = None, until: date | None = None
) -> Placed:
    """Lay scores out on sessions and stocks.

    Args:
        scores: The scores.
        market: The market that they are judged on.
        member: The universe; the stock-days with a score where not given, [D, N].
        until: Last date whose prices may be looked at; the last session where not given.

    Raises:
        DataError: No row can be judged.
    """
    days, frame = market.sessions, scores.frame
    end = len(days) if until is None else int(np.searchsorted(days, np.datetime64(until, "D"), side="right"))
    date_of = frame.get_column("date").to_numpy().astype("datetime64[D]")
    day = np.searchsorted(days, date_of)
    inside = (date_of >= days[0]) & (date_of <= days[-1])
    session = inside & (days[np.minimum(day, len(days) - 1)] == date_of)
    index = {code: place for place, code in enumerate(market.codes)}
    stock = (
        frame.get_column("code").replace_strict(index, default=-1, return_dtype=pl.Int64).to_numpy().copy()
    )
    row = np.where(session, day, 0)
    listed = stock >= 0
    names = [column.name for column in scores.columns]
    scored = frame.select(pl.any_horizontal(pl.col(names).is_not_null())).to_series().to_numpy()
    tests = [
        ("codes that the bars do not have", listed, "code"),
        (f"dates before or after the bars ({days[0]} to {days[-1]})", inside, "date"),
        (f"dates that are no sessions of {market.calendar}", session, "date"),
        (f"dates after {until}", row < end, "date"),
        ("no bar of the stock on that session", market.present[row, stock], "both"),
        ("no score in any column", scored, "both"),
    ]
    if member is not None:
        tests.append(("outside the universe", member[row, stock], "both"))
    left = np.ones(frame.height, dtype=np.bool_)
    aside = []
    for why, fits, shown in tests:
        lost = left & ~fits
        if lost.any():
            aside.append(
                SetAside(why=why, rows=int(lost.sum()), examples=_examples(frame.filter(lost), shown))
            )
        left &= fits
    if not left.any():
        raise _no_overlap(scores, market, aside)
    day, stock = day[left].astype(np.int64), stock[left].astype(np.int64)
    universe = np.zeros(market.present.shape, dtype=np.bool_)
    universe[day, stock] = True
    return Placed(
        frame=frame.filter(left),
        day=day,
        stock=stock,
        universe=universe if member is None else member,
        start=int(day.min()),
        stop=int(day.max()) + 1,
        end=end,
        set_aside=tuple(aside),
    )


def _examples(lost: pl.DataFrame, shown: str) -> str:
    columns = ["date", "code"] if shown == "both" else [shown]
    some = lost.select(columns).unique(maintain_order=True)
    named = [" ".join(map(str, row)) for row in some.head(_SHOWN).rows()]
    what = {"code": "codes", "date": "dates", "both": "stock-days"}[shown]
    return f"{some.height:,} {what}, such as {', '.join(named)}"


def _no_overlap(scores: ForeignScores, market: Market, aside: Sequence[SetAside]) -> DataError:
    codes = scores.frame.get_column("code").unique().sort().head(_SHOWN)
    return DataError(
        "no score can be judged on these bars",
        where=scores.path,
        got="; ".join(one.text for one in aside),
        expected=f"codes such as {', '.join(market.codes[:_SHOWN])} (got {', '.join(codes)}) on sessions from "
        f"{market.sessions[0]} to {market.sessions[-1]}",
        remedy="write dates and codes as the bars do",
    )
