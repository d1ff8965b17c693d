"""Whether a session can be ranked: what refuses a ranking, and what it warns of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from gogooku3.axes import BoolDN, RowsRF
from gogooku3.config.predict_settings import PredictSettings
from gogooku3.errors import DataError
from gogooku3.market.calendar import sessions_between

UNKNOWN = "unknown"
"""Calendar of a panel whose sessions are those of a table."""
_SHOWN = 10
_ONE_DAY = np.timedelta64(1, "D")
_LONGEST_CLOSURE = np.timedelta64(30, "D")


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of what is usually ranked a ranking holds.

    Attributes:
        universe: Stocks that can be ranked on the session.
        usual: Mean of that over the sessions before it that had any; None where there are none.
        barred: Share of the universe of those sessions that has a bar on this one, on average over them; None where
            there are none. A universe of fixed size fills up with other stocks when half of the bars lack.
        scored: Share of the universe that has a score of every target.
    """

    universe: int
    usual: float | None
    barred: float | None
    scored: float

    @property
    def share(self) -> float | None:
        """The session's universe as a share of the usual one."""
        return None if self.usual is None else self.universe / self.usual

    def to_json(self) -> dict[str, Any]:
        """Return the figures, rounded to what they say."""
        return {
            "universe": self.universe,
            "usual_universe": None if self.usual is None else round(self.usual, 2),
            "share_of_usual": None if self.share is None else round(self.share, 6),
            "share_of_usual_with_bar": None if self.barred is None else round(self.barred, 6),
            "share_with_score": round(self.scored, 6),
        }


def refuse_stale(
    calendar: str, session: np.datetime64, last: np.datetime64, as_of: date, settings: PredictSettings
) -> str | None:
    """Refuse the panel's last session where the calendar says that there are later ones by now.

    All sessions before the day ``as_of`` should be there; that day's own may be.

    Args:
        calendar: The panel's exchange calendar.
        session: The session to rank.
        last: The panel's last session with a universe.
        as_of: Today.
        settings: How many sessions may lack.

    Returns:
        A warning where nothing can be known.

    Raises:
        DataError: Too many sessions lack, or the panel holds one of a day that is yet to come.
    """
    today = np.datetime64(as_of, "D")
    if last.astype("datetime64[D]") > today:
        raise DataError(
            "the panel holds a session of the future",
            got=last,
            expected=f"sessions up to {as_of}, the day of this ranking",
            remedy="set the clock right, or name the day with --as-of",
        )
    if calendar == UNKNOWN:
        return "the panel names no exchange calendar: whether its last session is the latest is not known"
    lacking = _later(calendar, session, today)
    if len(lacking) > settings.max_stale_sessions:
        raise DataError(
            "the data are stale",
            where=f"calendar {calendar}, as of {as_of}",
            got=f"{session} as the last session that can be ranked; {len(lacking)} later ones lack, "
            f"{lacking[0]} to {lacking[-1]}",
            expected=f"sessions up to {lacking[-1]}, at most {settings.max_stale_sessions} lacking",
            remedy="fetch and append the bars that lack, or name a past session with --date",
        )
    return None


def is_historical(calendar: str, session: np.datetime64, as_of: date) -> bool:
    """Tell whether a later session had ended before the day ``as_of``."""
    today = np.datetime64(as_of, "D")
    if calendar == UNKNOWN:
        return bool(today - session > _LONGEST_CLOSURE)
    return len(_later(calendar, session, today)) > 0


def _later(calendar: str, session: np.datetime64, today: np.datetime64) -> np.ndarray:
    """Return the sessions after one and before today."""
    first, last = session.astype("datetime64[D]") + _ONE_DAY, today - _ONE_DAY
    if first > last:
        return np.empty(0, dtype="datetime64[D]")
    return sessions_between(calendar, first.astype(object), last.astype(object))


def measure_coverage(
    universe: BoolDN, present: BoolDN, day: int, scores: np.ndarray, settings: PredictSettings
) -> Coverage:
    """Measure a session's universe against the usual one.

    Args:
        universe: Membership [D, N]; nothing after ``day`` is read.
        present: True where a stock has a bar [D, N].
        day: The session.
        scores: Of the session's universe, NaN where none [R, T].
        settings: How many sessions are usual.
    """
    members = universe[:day].sum(axis=1)
    usual = np.flatnonzero(members)[-settings.usual_sessions :]
    held = (universe[usual] & present[day]).sum(axis=1)
    return Coverage(
        universe=int(universe[day].sum()),
        usual=float(members[usual].mean()) if usual.size else None,
        barred=float((held / members[usual]).mean()) if usual.size else None,
        scored=float(np.isfinite(scores).all(axis=1).mean()) if len(scores) else 0.0,
    )


def refuse_thin(coverage: Coverage, session: object, settings: PredictSettings) -> None:
    """Refuse a session on which too much of the market is missing.

    Raises:
        DataError: The universe is too small a share of the usual one, or too small a share of the usual one has a
            bar, or of the session's a score.
    """
    least = settings.min_coverage
    if coverage.share is not None and coverage.share < least:
        raise DataError(
            "too few stocks can be ranked",
            where=f"session {session}, predict.min_coverage",
            got=f"{coverage.universe} stocks, {coverage.share:.1%} of the {coverage.usual:.0f} of the sessions before",
            expected=f"at least {least:.1%}",
            remedy="complete the bars of the session and append them, or lower predict.min_coverage",
        )
    if coverage.barred is not None and coverage.barred < least:
        raise DataError(
            "too many stocks lack a bar",
            where=f"session {session}, predict.min_coverage",
            got=f"bars of {coverage.barred:.1%} of the stocks that could be ranked on the sessions before",
            expected=f"at least {least:.1%}",
            remedy="complete the bars of the session and append them, or lower predict.min_coverage",
        )
    if coverage.scored < least:
        raise DataError(
            "too few stocks have a score",
            where=f"session {session}, predict.min_coverage",
            got=f"{coverage.scored:.1%} of {coverage.universe} stocks",
            expected=f"at least {least:.1%}",
            remedy="look at the features of the session: `gogooku3 panel info`",
        )


def refuse_missing(names: Sequence[str], values: RowsRF, before: RowsRF, session: object) -> None:
    """Refuse a session on which a feature is wholly missing that was there in training.

    Args:
        names: Of the features.
        values: Of the session's universe, NaN where missing [R, F].
        before: Of a sample of the stock-days learned from [R, F].
        session: The session, for the message.

    Raises:
        DataError: There is one.
    """
    gone = np.isnan(values).all(axis=0)
    known = ~np.isnan(before).all(axis=0) if len(before) else np.ones(len(names), dtype=np.bool_)
    lost = [names[f] for f in np.flatnonzero(gone & known).tolist()]
    if lost:
        raise DataError(
            "a feature is missing for every stock of the session",
            where=f"session {session}",
            got=f"no value of {shown(lost)}",
            expected="values, as on the sessions the model learned from",
            remedy="complete the bars from which it is computed and append them",
        )


def unseen(universe: BoolDN, day: int, learned: np.ndarray, codes: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of a session's universe that were in none of the sessions learned from.

    Args:
        universe: Membership [D, N].
        day: The session.
        learned: Session indices.
        codes: Of the N stocks.
    """
    new = universe[day] & ~universe[learned].any(axis=0)
    return tuple(codes[n] for n in np.flatnonzero(new).tolist())


def shown(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
