"""The part of simulated returns that nothing predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.sources.simulation.autoregression import autoregression
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.stocks import Stocks
from gogooku3.sources.simulation.streams import stream

_TAIL = 5.0  # degrees of freedom of Student's t
_LARGEST = 6.0  # shocks are cut there, in standard deviations: symmetric, so their mean stays 0
_MARKET, _SECTOR, _STYLE = 0.009, 0.005, 0.002  # factor volatility a session
_GROUP_SHARE = 0.35  # of a grouped stock's idiosyncratic variance: trailing correlation shows it
_DRIFT = 0.0002  # log return a session, the same for all stocks


@dataclass(frozen=True, eq=False, kw_only=True)
class Noise:
    """Unpredictable log returns and what else of them the bars show.

    Attributes:
        total: Log returns without any planted signal [D, N].
        own: The stock's own shock, without factors and hidden group, in units of its long-run standard
            deviation [D, N].
        volatility: Conditional standard deviation of the idiosyncratic return [D, N].
    """

    total: FloatDN
    own: FloatDN
    volatility: FloatDN


def draw_noise(settings: SimulationSettings, stocks: Stocks) -> Noise:
    """Draw market, sector, style, group and own returns, all with clustered volatility and fat tails.

    Each has mean zero given the past: ``E[total[t+1] | t]`` is the common drift.
    """
    sessions, count = settings.sessions, settings.stocks
    market = _MARKET * _clustered(settings, "market", 1, clustering=0.5)
    sector = _SECTOR * _clustered(settings, "sectors", settings.sectors, clustering=0.4)
    style = _STYLE * _clustered(settings, "styles", 2, clustering=0.4)
    level = _level(settings, "own volatility", (sessions, count), 0.45)
    own = _shocks(settings, "own shocks", (sessions, count)) * level
    groups = int(stocks.group.max()) + 1
    grouped = stocks.group >= 0
    common = np.zeros((sessions, count))
    if groups:
        common[:, grouped] = _clustered(settings, "groups", groups, clustering=0.4)[:, stocks.group[grouped]]
    share = np.where(grouped, _GROUP_SHARE, 0.0)
    total = stocks.volatility * (np.sqrt(share) * common + np.sqrt(1.0 - share) * own)
    total += _DRIFT + market * stocks.beta + sector[:, stocks.sector] * stocks.sector_loading
    total += style @ stocks.style
    return Noise(total=total, own=own, volatility=stocks.volatility * level)


def _clustered(settings: SimulationSettings, purpose: str, count: int, *, clustering: float) -> np.ndarray:
    """Return [D, count] shocks of about unit variance with log-normal stochastic volatility."""
    shape = (settings.sessions, count)
    shocks = _shocks(settings, f"{purpose} shocks", shape)
    shocks *= _level(settings, f"{purpose} volatility", shape, clustering)
    return shocks


def _level(
    settings: SimulationSettings, purpose: str, shape: tuple[int, int], clustering: float
) -> np.ndarray:
    """Return volatility levels whose mean square is 1; their log is a slow autoregression."""
    log = autoregression(stream(settings.seed, purpose).standard_normal(shape), 0.97)
    level: np.ndarray = np.exp(clustering * log - clustering**2)
    return level


def _shocks(settings: SimulationSettings, purpose: str, shape: tuple[int, int]) -> np.ndarray:
    shocks: np.ndarray = stream(settings.seed, purpose).standard_t(_TAIL, shape)
    shocks *= np.sqrt((_TAIL - 2.0) / _TAIL)
    return np.clip(shocks, -_LARGEST, _LARGEST, out=shocks)
