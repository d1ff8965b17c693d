"""What a graph is, in plain loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogooku3.graphs.settings import GraphSettings
from tests.graphs.panels import Small


def graph(market: Small, settings: GraphSettings, session: int) -> list[list[tuple[int, list[float]]]]:
    """The neighbours of every stock with their edge features, the nearest first."""
    window = slice(max(0, session + 1 - settings.window), session + 1)
    member = np.flatnonzero(market.universe[session])
    returns = {int(n): market.returns[window, n] for n in member}
    if settings.by != "return" and returns:
        returns = residuals(returns)
    if settings.by == "sector_residual":
        returns = against_sector(returns, market.sectors)
    linked: list[list[tuple[int, list[float]]]] = [[] for _ in market.codes]
    for i in returns:
        near = []
        for j in returns:
            value = correlation(returns[i], returns[j], settings.min_common)
            if i != j and value > settings.threshold:
                near.append((-value, j))
        for value, j in sorted(near)[: settings.neighbours]:
            sector = market.sectors[i]
            size = [np.nanmean(market.turnover[window, n]) for n in (i, j)]
            features = [
                -value,
                float(sector != "" and sector == market.sectors[j]),
                np.log1p(size[1]) - np.log1p(size[0]),
                lead(returns[i], returns[j]),
            ]
            linked[i].append((j, features))
    return linked


def residuals(returns: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    market = np.array([np.nanmean(row) if np.isfinite(row).any() else 0.0 for row in _rows(returns)])
    result = {}
    for n, own in returns.items():
        ok = np.isfinite(own)
        design = np.stack([np.ones(ok.sum()), market[ok]], axis=1)
        fitted = design @ np.linalg.lstsq(design, own[ok], rcond=None)[0]
        result[n] = np.full(len(own), np.nan)
        result[n][ok] = own[ok] - fitted
    return result


def against_sector(returns: dict[int, np.ndarray], sectors: Sequence[str]) -> dict[int, np.ndarray]:
    result = dict(returns)
    for n, own in returns.items():
        mine = [m for m in returns if sectors[m] == sectors[n]]
        if sectors[n] and len(mine) >= 3:
            result[n] = own.copy()
            for t in np.flatnonzero(np.isfinite(own)):
                result[n][t] -= np.nanmean([returns[m][t] for m in mine])
    return result


def correlation(x: np.ndarray, y: np.ndarray, need: int) -> float:
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < need or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
        return -np.inf
    return float(np.corrcoef(x[both], y[both])[0, 1])


def lead(own: np.ndarray, other: np.ndarray) -> float:
    own, other = (np.where(np.isfinite(x), x - np.nanmean(x), 0.0) for x in (own, other))
    past = [other[t - 5 : t].sum() for t in range(5, len(own))]
    return float(np.corrcoef(own[5:], past)[0, 1])


def _rows(returns: dict[int, np.ndarray]) -> np.ndarray:
    return np.stack(list(returns.values()), axis=1)
