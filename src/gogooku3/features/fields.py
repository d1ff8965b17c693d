"""The fields that the market gives every feature: ratios only, so that no scale of prices is ever seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from gogooku3.axes import BoolDN, FloatDN, FloatLN
from gogooku3.features.known import Known, Stepped
from gogooku3.features.published import age_name, known_name, sessions_name
from gogooku3.market.market import Market

BASE_FIELDS = frozenset(
    {
        "loglink",
        "overnight",
        "intraday",
        "log_high",
        "log_low",
        "turnover",
        "volume",
        "present",
        "universe",
        "sector",
    }
)


@dataclass(frozen=True, eq=False)
class Fields:
    """Base fields of a market on its full session axis.

    Attributes:
        grids: Name to [D, N]; ``sector`` is [N].
        stepped: Name to what gives sessions [start, stop) of a published value, [stop - start, N].
    """

    grids: dict[str, np.ndarray]
    stepped: Mapping[str, Callable[[int, int], FloatLN]] = field(default_factory=dict)

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """Return sessions [start, stop) of a field; rows before the first session are missing (NaN, False)."""
        if name in self.stepped:
            return self.stepped[name](start, stop)
        grid = self.grids[name]
        if grid.ndim == 1:
            return grid
        kept = grid[max(start, 0) : stop]
        if start >= 0:
            return kept
        missing = np.full((-start, grid.shape[1]), False if grid.dtype == bool else np.nan, dtype=grid.dtype)
        return np.concatenate([missing, kept])


def base_fields(market: Market, universe: BoolDN, known: Sequence[Known] = ()) -> Fields:
    """Compute the base fields: logs of ratios within a day and between neighbouring bars, and the value traded.

    Args:
        market: The grids.
        universe: Membership, [D, N].
        known: What was published; the market's own prices and factors come with it.
    """

    def log(x: FloatDN) -> FloatDN:
        return np.log(x)

    grids: dict[str, np.ndarray] = {}
    if known:
        grids = {"close": market.close, "factor": market.factor, "log_ratio": log(market.ratio)}
    return Fields(
        grids
        | {
            "loglink": log(market.link),
            "overnight": log(market.overnight),
            "intraday": log(market.close / market.open),
            "log_high": log(market.high / market.open),
            "log_low": log(market.low / market.open),
            "turnover": market.turnover,
            "volume": market.volume
            / market.factor,  # shares of one size, whatever was split; a scale per stock
            "present": market.present,
            "universe": universe,
            "sector": market.sector.astype(np.int64),
        },
        _stepped(market, known),
    )


def _stepped(market: Market, known: Sequence[Known]) -> dict[str, Callable[[int, int], FloatLN]]:
    found: dict[str, Callable[[int, int], FloatLN]] = {}
    for one in known:
        laid = Stepped(one, market.sessions, _columns(market, one), len(market.codes))
        found |= {known_name(name): partial(laid.rows, name) for name in one.names}
        found[known_name(age_name(one.family))] = laid.age
        found[known_name(sessions_name(one.family))] = laid.since
    return found


def _columns(market: Market, known: Known) -> dict[str, list[int]]:
    if known.by == "code":
        return {code: [n] for n, code in enumerate(market.codes)}
    return {
        label: np.flatnonzero(market.sector == number).tolist()
        for number, label in enumerate(market.sector_names)
    }
