"""The stocks of a simulated market: what never changes about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.streams import stream

_LETTERED = 12  # one code in twelve looks like 130A
_FIVE_DIGITS = 20  # one in twenty looks like 01300
_PLAIN = 8700  # codes from 1300 to 9999


@dataclass(frozen=True, eq=False, kw_only=True)
class Stocks:
    """Fixed traits of N stocks, in the order of their sorted codes.

    Attributes:
        codes: Unique codes of four or five characters, sorted; some have letters or a leading zero.
        sector: Sector index [N].
        group: Hidden group [N], -1 for a stock in none.
        leader: Column of the group's leader [N], -1 for leaders themselves and for stocks in no group.
        size: Standardised log size [N]; the leader is the largest of its group.
        beta: Market loading [N].
        sector_loading: Loading on the own sector's factor [N].
        style: Loadings on the style factors [2, N].
        volatility: Idiosyncratic standard deviation a session, in log return [N].
        price: Price on the first session, yen [N].
    """

    codes: tuple[str, ...]
    sector: np.ndarray
    group: np.ndarray
    leader: np.ndarray
    size: np.ndarray
    beta: np.ndarray
    sector_loading: np.ndarray
    style: np.ndarray
    volatility: np.ndarray
    price: np.ndarray


def draw_stocks(settings: SimulationSettings) -> Stocks:
    """Draw the stocks; nothing here depends on which signals are on."""
    count = settings.stocks
    rng = stream(settings.seed, "stocks")
    size = rng.standard_normal(count)
    group, leader = _groups(rng, size, settings.group_size)
    return Stocks(
        codes=stock_codes(count),
        sector=rng.permutation(np.arange(count) % settings.sectors),
        group=group,
        leader=leader,
        size=size,
        beta=1.0 + 0.25 * rng.standard_normal(count),
        sector_loading=1.0 + 0.2 * rng.standard_normal(count),
        style=rng.standard_normal((2, count)),
        volatility=0.017 * np.exp(0.2 * rng.standard_normal(count) - 0.05 * size),
        price=np.clip(1500.0 * np.exp(0.7 * rng.standard_normal(count)), 300.0, 8000.0),
    )


def stock_codes(count: int) -> tuple[str, ...]:
    """Return ``count`` unique codes in sorted order: mostly four digits, some like 130A, some like 01300."""
    five = [f"0{1300 + 10 * index}" for index in range(count // _FIVE_DIGITS)]
    lettered = [f"{130 + index}A" for index in range(count // _LETTERED)]
    plain = count - len(five) - len(lettered)
    spread = [str(1300 + index * _PLAIN // plain) for index in range(plain)]
    return tuple(sorted(five + lettered + spread))


def _groups(rng: np.random.Generator, size: np.ndarray, members: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a random order of the stocks into groups; the largest member leads."""
    count = len(size)
    group = np.full(count, -1)
    leader = np.full(count, -1)
    order = rng.permutation(count)
    for index in range(count // members):
        chosen = order[index * members : (index + 1) * members]
        head = chosen[np.argmax(size[chosen])]
        group[chosen] = index
        leader[chosen] = head
        leader[head] = -1
    return group, leader
