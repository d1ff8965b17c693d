"""When each simulated stock trades: listings, delistings and halts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolDN, FloatN
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.streams import stream

_LONGEST_HALT = 5
_TAKEOVERS = 0.6  # share of the delistings that pay about the last price


@dataclass(frozen=True, eq=False, kw_only=True)
class Life:
    """Presence of N stocks on D sessions.

    Attributes:
        present: True where the stock has a bar [D, N]; always True on its first and last session.
        first: Session of the first bar [N].
        last: Session of the last bar [N].
        terminal_return: Return from the last close to what holders receive; NaN for stocks that live on [N].
    """

    present: BoolDN
    first: np.ndarray
    last: np.ndarray
    terminal_return: FloatN


def draw_life(settings: SimulationSettings) -> Life:
    """Draw who is listed later, who ends and how, and who is halted when; unrelated to the signal."""
    sessions, stocks = settings.sessions, settings.stocks
    rng = stream(settings.seed, "life")
    order = rng.permutation(stocks)
    late = order[: _count(settings.listed_later, stocks)]
    gone = order[len(late) : len(late) + _count(settings.delisted, stocks)]
    first = np.zeros(stocks, dtype=np.int64)
    last = np.full(stocks, sessions - 1)
    first[late] = rng.integers(sessions // 20 + 1, 3 * sessions // 4, len(late))
    last[gone] = rng.integers(sessions // 4, sessions - 1, len(gone))
    session = np.arange(sessions)[:, None]
    edge = (session == first) | (session == last)
    alive = (session >= first) & (session <= last)
    return Life(
        present=alive & (edge | ~_halted(settings)),
        first=first,
        last=last,
        terminal_return=_terminal_returns(rng, gone, stocks),
    )


def _count(share: float, stocks: int) -> int:
    return max(1, round(share * stocks)) if share > 0 else 0


def _terminal_returns(rng: np.random.Generator, gone: np.ndarray, stocks: int) -> FloatN:
    """Takeovers pay about the last price; failures cost 30 to 100 per cent. Both occur if two stocks end."""
    taken = rng.permutation(len(gone)) < round(_TAKEOVERS * len(gone))
    price = np.where(taken, rng.uniform(-0.005, 0.005, len(gone)), rng.uniform(-1.0, -0.3, len(gone)))
    result = np.full(stocks, np.nan)
    result[gone] = price
    return result


def _halted(settings: SimulationSettings) -> BoolDN:
    shape = (settings.sessions, settings.stocks)
    rng = stream(settings.seed, "halts")
    starts = rng.random(shape) < settings.halt_rate
    length = np.minimum(rng.geometric(0.6, shape), _LONGEST_HALT)
    halted = np.zeros(shape, dtype=bool)
    for offset in range(_LONGEST_HALT):
        halted[offset:] |= (starts & (length > offset))[: shape[0] - offset]
    return halted
