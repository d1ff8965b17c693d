"""Splits, consolidations and dividends, as one cumulative factor."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.sources.simulation.noise import Noise
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.stocks import Stocks
from gogooku3.sources.simulation.streams import stream

_SPLITS = np.array([2.0, 3.0, 5.0])
_DEAR, _CHEAP, _LEAST_SPLIT = 6000.0, 250.0, 1200.0  # yen
_SOON, _SOMETIME = 0.03, 0.00025  # chances a session
_CONSOLIDATION = 0.1
_PAYERS = 0.75


def adjustment_factor(
    settings: SimulationSettings, stocks: Stocks, noise: Noise, sessions: np.ndarray
) -> FloatDN:
    """Return the factor that makes ``close * factor`` the total-return price [D, N].

    It is multiplied by k on the session of a k-for-1 split and by 1 / (1 - yield) on an ex-dividend session.
    Dear stocks split, cheap ones consolidate, as judged on the path without any signal: so the actions are
    the same whichever signals are on.
    """
    step = _dividends(settings, sessions)
    rng = stream(settings.seed, "splits")
    chance = rng.random(noise.total.shape)
    ratio = rng.choice(_SPLITS, noise.total.shape)
    price = stocks.price.copy()
    for now in range(1, len(step)):
        dear = (price > _DEAR) & (chance[now] < _SOON)
        sometime = (price > _LEAST_SPLIT) & (chance[now] < _SOMETIME)
        cheap = (price < _CHEAP) & (chance[now] < _SOON)
        change = np.where(dear, ratio[now], np.where(sometime, 2.0, np.where(cheap, _CONSOLIDATION, 1.0)))
        step[now] *= change
        price *= np.exp(noise.total[now]) / step[now]
    return np.cumprod(step, axis=0)


def _dividends(settings: SimulationSettings, sessions: np.ndarray) -> FloatDN:
    """Return 1 / (1 - yield) on the ex-dividend sessions, twice a year for stocks that pay, 1 elsewhere."""
    rng = stream(settings.seed, "dividends")
    half_yearly = rng.uniform(0.003, 0.015, settings.stocks) * (rng.random(settings.stocks) < _PAYERS)
    in_march = rng.random(settings.stocks) < 0.7
    month = sessions.astype("datetime64[M]")
    next_month_ends = np.flatnonzero(month[1:] != month[:-1])  # last session of each complete month
    step = np.ones((settings.sessions, settings.stocks))
    for last in next_month_ends[next_month_ends >= 1]:
        number = int(month[last].astype(int)) % 12 + 1
        payers = in_march if number in (3, 9) else ~in_march if number in (6, 12) else None
        if payers is not None:
            step[last - 1] = np.where(payers, 1.0 / (1.0 - half_yearly), 1.0)
    return step
