"""How much of the simulated market's hidden groups a graph finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.graphs.build import graph_of
from gogooku3.graphs.inputs import GraphInputs
from gogooku3.graphs.settings import GraphSettings
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import simulate
from gogooku3.sources.simulation.stocks import Stocks, draw_stocks


@dataclass(frozen=True, eq=False, kw_only=True)
class Truth:
    """A simulated market as a graph reads it, and its groups."""

    inputs: GraphInputs
    stocks: Stocks


@dataclass(frozen=True, kw_only=True)
class Found:
    """Means over followers whose leader is in the universe.

    Attributes:
        group: Share of the stock's hidden group that is among its neighbours.
        leader: Share of followers that have their leader among their neighbours.
        largest: Share of followers whose leader is the largest of those neighbours that are of their group.
    """

    group: float
    leader: float
    largest: float


def truth(settings: SimulationSettings) -> Truth:
    simulation = simulate(settings, ())
    stocks = draw_stocks(settings)
    returns = np.full(simulation.adjusted.shape, np.nan)
    last = np.full(len(simulation.codes), np.nan)
    for day, close in enumerate(simulation.adjusted):
        traded = np.isfinite(close)
        returns[day, traded] = np.log(close[traded] / last[traded])
        last[traded] = close[traded]
    turnover = np.full(returns.shape, np.nan)
    turnover[simulation.present] = (
        simulation.bars.frame.sort("date", "code").select(close_volume()).to_series().to_numpy()
    )
    return Truth(
        inputs=GraphInputs(
            first=0,
            returns=returns,
            turnover=turnover,
            universe=simulation.present,
            sector=stocks.sector.astype(np.int64),
        ),
        stocks=stocks,
    )


def close_volume():
    import polars as pl

    return pl.col("close") * pl.col("volume")


def found(market: Truth, settings: GraphSettings, sessions: range) -> Found:
    group, leader = market.stocks.group, market.stocks.leader
    shares: list[tuple[float, float, float]] = []
    for session in sessions:
        index, edge = graph_of(market.inputs, settings, session)
        here = market.inputs.universe[session]
        for i in np.flatnonzero(here & (leader >= 0) & here[leader]):
            near = index[i][index[i] >= 0]
            mine = group[near] == group[i]
            others = (group == group[i]) & here
            size = edge[i, : len(near), 2][mine]
            top = near[mine][np.argmax(size)] if mine.any() else -1
            shares.append((mine.sum() / (others.sum() - 1), leader[i] in near, top == leader[i]))
    mean = np.mean(shares, axis=0)
    return Found(group=float(mean[0]), leader=float(mean[1]), largest=float(mean[2]))
