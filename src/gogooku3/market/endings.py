"""What a holder got from a stock that ended."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogooku3.axes import FloatN
from gogooku3.errors import DataError
from gogooku3.market.settings import MarketSettings


def check_delistings(delistings: pl.DataFrame) -> None:
    """Check a table of delistings.

    Raises:
        DataError: A column is missing, a code stands twice, or a terminal return is no return.
    """
    wanted = {"code": pl.String, "last_session": pl.Date, "terminal_return": pl.Float64}
    got = {name: delistings.schema.get(name) for name in wanted}
    if got != wanted:
        raise DataError("the table of delistings has other columns", got=got, expected=wanted)
    doubled = delistings.filter(pl.col("code").is_duplicated() | pl.col("code").is_null())
    if doubled.height:
        raise DataError(
            "the table of delistings names a code twice, or none",
            where="delistings, column code",
            got=doubled.get_column("code")[0],
            expected="one row per code",
        )
    value = pl.col("terminal_return")
    wrong = delistings.filter(~value.is_finite() | (value < -1))
    if wrong.height:
        raise DataError(
            "a terminal return is impossible",
            where=f"delistings, code {wrong.get_column('code')[0]}",
            got=wrong.get_column("terminal_return")[0],
            expected="a finite number of at least -1, or null where unknown",
        )


def terminal_returns(
    codes: tuple[str, ...],
    last_bar: np.ndarray,
    sessions: np.ndarray,
    delistings: pl.DataFrame | None,
    settings: MarketSettings,
) -> tuple[FloatN, tuple[str, ...]]:
    """Return the terminal return of each stock, and the codes that the rule took as ended.

    A stock in ``delistings`` that ended within the data has the return given there, or the rule's where that
    is null. One whose bars stop more than ``ended_after`` sessions before the data does is taken as ended, by
    the same rule. All others have NaN: they still trade, as far as the data reaches.

    The rule, ``delisting_return``, is 0 unless chosen otherwise: the holder keeps the last close. The
    pessimistic choice is -0.3 (Shumway, "The Delisting Bias in CRSP Data", Journal of Finance 52, 1997).

    Args:
        codes: Stock codes, length N.
        last_bar: Session index of each stock's last bar, int64 [N].
        sessions: Sessions, datetime64[D] of shape [D].
        delistings: As in ``Bars``.
        settings: The rule.
    """
    result = np.full(len(codes), np.nan)
    silent = last_bar < len(sessions) - 1 - settings.ended_after
    result[silent] = settings.delisting_return
    named: set[str] = set()
    if delistings is not None:
        place = {code: n for n, code in enumerate(codes)}
        for code, last, value in delistings.select("code", "last_session", "terminal_return").iter_rows():
            if code not in place or (last is not None and np.datetime64(last) > sessions[-1]):
                continue
            named.add(code)
            result[place[code]] = settings.delisting_return if value is None else value
    ended = tuple(code for n, code in enumerate(codes) if silent[n] and code not in named)
    return result, ended
