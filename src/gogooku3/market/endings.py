"""What a holder got from a stock that ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from gogooku3.axes import BoolDN, FloatN
from gogooku3.errors import DataError
from gogooku3.market.settings import MarketSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Ends:
    """Where stocks ended, for good or until they came back, K of them.

    Attributes:
        stock: Index into the market's codes [K].
        last: Session index of the last bar before the silence [K].
        following: Session index of the next bar, D where there is none [K].
        terminal_return: Return from that last close to what a holder received [K].
    """

    stock: Int64[np.ndarray, " K"]
    last: Int64[np.ndarray, " K"]
    following: Int64[np.ndarray, " K"]
    terminal_return: Float64[np.ndarray, " K"]

    @classmethod
    def none(cls) -> Ends:
        """Return that of a market in which nothing ended."""
        nothing = np.empty(0, dtype=np.int64)
        return cls(stock=nothing, last=nothing, following=nothing, terminal_return=np.empty(0))


def find_ends(present: BoolDN, terminal_return: FloatN, settings: MarketSettings) -> Ends:
    """Return every end of every stock: silences of more than ``ended_after`` sessions, and known endings.

    A silence counts from what is known once it has lasted ``ended_after + 1`` sessions. Whether the stock comes back
    later makes no difference to it, since nobody could know.

    Args:
        present: True where a stock has a bar [D, N].
        terminal_return: Of each stock that ended for good, as ``terminal_returns`` gives it [N].
        settings: The rule.
    """
    sessions = len(present)
    lasting, stock, following = _silences(present, settings.ended_after + 1)
    final = np.flatnonzero(np.isfinite(terminal_return) & present.any(axis=0))
    last = sessions - 1 - np.argmax(present[::-1, final], axis=0)
    return Ends(
        stock=np.concatenate([stock, final]),
        last=np.concatenate([lasting, last]),
        following=np.concatenate([following, np.full(final.size, sessions, dtype=np.int64)]),
        terminal_return=np.concatenate(
            [np.full(stock.size, settings.delisting_return), terminal_return[final]]
        ),
    )


def _silences(present: BoolDN, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the last bar, the stock and the next bar of every silence of at least ``least`` sessions between bars."""
    stock, session = np.nonzero(np.ascontiguousarray(present.T))
    long = (np.diff(stock) == 0) & (np.diff(session) > least)
    before = np.flatnonzero(long)
    return session[before], stock[before], session[before + 1]


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
