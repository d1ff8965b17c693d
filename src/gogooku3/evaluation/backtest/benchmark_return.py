"""What holding the whole universe would have earned."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import BoolDN, FloatD
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.tape import Tape


def universe_return(tape: Tape, member: BoolDN) -> FloatD:
    """Return the daily return of equal weights in each previous session's members, before costs, [D].

    A missing link earns 0, and a stock that ended pays its terminal return, both as in a backtest; NaN on the first
    session and where nobody was a member.

    Args:
        tape: What is traded on.
        member: Membership as of each session's close, [D, N].

    Raises:
        EvaluationError: The shapes differ.
    """
    if member.shape != tape.link.shape:
        raise EvaluationError("membership is not aligned", got=member.shape, expected=tape.link.shape)
    move = np.where(np.isfinite(tape.link), tape.link - 1.0, 0.0)
    ended = np.flatnonzero((tape.last_bar >= 0) & (tape.last_bar + 1 < len(move)))
    paid = tape.terminal_return[ended]
    move[tape.last_bar[ended] + 1, ended] = np.where(np.isfinite(paid), paid, 0.0)
    held = member[:-1]
    size = held.sum(axis=1)
    result = np.full(len(move), np.nan)
    np.divide((move[1:] * held).sum(axis=1), size, out=result[1:], where=size > 0)
    return result
