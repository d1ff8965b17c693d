"""Which stocks can be ranked on a session, decided from data up to that session."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gogooku3.axes import BoolDN
from gogooku3.market.market import Market


class UniverseSettings(BaseModel):
    """The universe of session t: the most traded stocks with enough history, as of t."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(default=2000, ge=20, description="stocks kept per session, by median turnover")
    turnover_window: int = Field(default=20, ge=1, description="sessions of the turnover median")
    min_history: int = Field(default=250, ge=1, description="bars a stock needs up to and including t")


def universe(
    market: Market, settings: UniverseSettings, *, start: int = 0, before: np.ndarray | None = None
) -> BoolDN:
    """Return membership [D, N]: a bar on t, ``min_history`` bars so far, and among the ``size`` most traded.

    A session without a bar of the stock counts as zero turnover. A bar whose turnover is unknown does not count (a
    stock without a known one in the window is left out), and neither does a session on which nobody has a bar (a
    hole in the source). Ties are broken by code order.

    Args:
        market: The grids.
        settings: Size and history.
        start: First session wanted; the rows before it stay empty.
        before: Bars of each stock before the market's first session, int64 [N]; none where not given.
    """
    held = market.present.any(axis=1)
    turnover = np.where(market.present, market.turnover, 0.0)[held]
    present = market.present[held]
    so_far = np.cumsum(market.present, axis=0) + (0 if before is None else before)
    eligible = market.present & (so_far >= settings.min_history)
    member = np.zeros_like(market.present)
    window = settings.turnover_window
    for row, session in enumerate(np.flatnonzero(held)):
        candidates = np.flatnonzero(eligible[session])
        if session < start or row + 1 < window or candidates.size == 0:
            continue
        recent = turnover[row + 1 - window : row + 1][:, candidates]
        known = (present[row + 1 - window : row + 1][:, candidates] & ~np.isnan(recent)).any(axis=0)
        candidates, recent = candidates[known], recent[:, known]
        median = np.nanmedian(recent, axis=0) if np.isnan(recent).any() else np.median(recent, axis=0)
        traded = candidates[np.argsort(-median, kind="stable")]
        member[session, traded[: settings.size]] = True
    return member
