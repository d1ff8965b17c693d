"""Each part of the planted signal is found by its kind of model, from bars alone, and by no other kind.

Models are regressions on features made here from the bars; the first half is for fitting, the second for the
RankIC. One part is planted at a time, at twice the default strength, so that moderate markets suffice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest

from gogooku3.sources.simulated import Simulation, SimulationSettings, simulate
from gogooku3.sources.simulation.attainable import mean_rank_ic, realised_returns

WINDOWS = (1, 3, 5, 10, 20)
TARGETS = ((1, 1), (5, 1))


@dataclass(frozen=True, eq=False)
class Seen:
    """What a user can compute from the bars."""

    simulation: Simulation
    returns: np.ndarray
    location: np.ndarray
    log_value: np.ndarray


@lru_cache(maxsize=4)
def seen(part: str) -> Seen:
    settings = SimulationSettings(
        stocks=300, sessions=700, signals=(part,), strength=2.0, listed_later=0.0, delisted=0.0, halt_rate=0.0
    )
    simulation = simulate(settings)

    def grid(column: str) -> np.ndarray:
        values = np.full(simulation.present.shape, np.nan)
        values[simulation.present] = simulation.bars.frame.get_column(column).to_numpy()
        return values

    close, high, low = grid("close"), grid("high"), grid("low")
    returns = np.full(close.shape, np.nan)
    returns[1:] = np.diff(np.log(simulation.adjusted), axis=0)
    return Seen(
        simulation=simulation,
        returns=demeaned(returns),
        location=(2.0 * close - high - low) / (high - low),
        log_value=np.log(close * grid("volume")),
    )


def mean_of(grid: np.ndarray, window: int) -> np.ndarray:
    result = np.full(grid.shape, np.nan)
    result[window - 1 :] = np.lib.stride_tricks.sliding_window_view(grid, window, axis=0).mean(axis=-1)
    return result


def std_of(grid: np.ndarray, window: int) -> np.ndarray:
    return np.sqrt(np.maximum(mean_of(grid**2, window) - mean_of(grid, window) ** 2, 0.0))


def back(grid: np.ndarray, sessions: int) -> np.ndarray:
    result = np.full(grid.shape, np.nan)
    result[sessions:] = grid[: len(grid) - sessions]
    return result


def shock(bars: Seen) -> np.ndarray:
    return bars.log_value - mean_of(bars.log_value, 60)


def summaries(bars: Seen) -> list[np.ndarray]:
    """Means and spreads over windows of returns, close location and log value traded."""
    features = [bars.log_value - mean_of(bars.log_value, window) for window in (5, 20, 60)]
    features += [mean_of(bars.returns, window) for window in (*WINDOWS, 60)]
    features += [mean_of(bars.location, window) for window in (*WINDOWS, 60)]
    features += [std_of(grid, 20) for grid in (bars.returns, bars.location, bars.log_value)]
    return features


def products(features: list[np.ndarray]) -> list[np.ndarray]:
    """What a tree or any other learner of pairs could use."""
    return [a * b for i, a in enumerate(features) for b in features[: i + 1]]


def out_of_sample(bars: Seen, features: list[np.ndarray], target: tuple[int, int]) -> float:
    """Return the second half's RankIC of a ridge regression fitted on the first half."""
    returns = realised_returns(bars.simulation.adjusted, *target)
    x = np.stack([standardised(feature) for feature in features], axis=-1)
    y = demeaned(returns)
    half = len(y) // 2
    known = np.isfinite(y) & np.isfinite(x).all(axis=-1)
    fit = known.copy()
    fit[half - sum(target) :] = False
    left = x[fit].T @ x[fit] + 10.0 * np.eye(x.shape[-1])
    weights = np.linalg.solve(left, x[fit].T @ np.clip(y[fit], -0.2, 0.2))
    scores = np.where(known, np.nan_to_num(x) @ weights, np.nan)
    return mean_rank_ic(scores[half:], returns[half:])


def demeaned(grid: np.ndarray) -> np.ndarray:
    known = np.isfinite(grid)
    total = np.where(known, grid, 0.0).sum(axis=1, keepdims=True)
    return grid - total / np.maximum(known.sum(axis=1, keepdims=True), 1)


def standardised(feature: np.ndarray) -> np.ndarray:
    centred = demeaned(feature)
    known = np.isfinite(centred)
    energy = (np.where(known, centred, 0.0) ** 2).sum(axis=1, keepdims=True)
    spread = np.sqrt(energy / np.maximum(known.sum(axis=1, keepdims=True), 1))
    return np.clip(centred / np.where(spread > 0, spread, 1.0), -4.0, 4.0)


def oracle(bars: Seen, target: tuple[int, int]) -> float:
    half = len(bars.returns) // 2
    returns = realised_returns(bars.simulation.adjusted, *target)
    return mean_rank_ic(bars.simulation.expected[target][half:], returns[half:])


@pytest.mark.parametrize("target", TARGETS)
def test_linear_is_found_by_a_regression_on_summaries(target: tuple[int, int]) -> None:
    bars = seen("linear")
    assert out_of_sample(bars, summaries(bars), target) > 0.7 * oracle(bars, target)


@pytest.mark.parametrize("target", TARGETS)
def test_interaction_needs_products(target: tuple[int, int]) -> None:
    bars = seen("interaction")
    tilt = 0.5 * (mean_of(bars.location, 10) + mean_of(bars.location, 20))
    attainable = oracle(bars, target)
    assert out_of_sample(bars, [tilt * shock(bars)], target) > 0.6 * attainable
    assert (
        out_of_sample(bars, products([mean_of(bars.location, 5), tilt, shock(bars)]), target)
        > 0.6 * attainable
    )
    assert abs(out_of_sample(bars, [tilt, shock(bars)], target)) < 0.2 * attainable
    assert abs(out_of_sample(bars, summaries(bars), target)) < 0.25 * attainable


@pytest.mark.parametrize("target", TARGETS)
def test_pattern_needs_the_sequence(target: tuple[int, int]) -> None:
    bars = seen("pattern")
    sequence = [back(bars.location, sessions) for sessions in range(20)]
    attainable = oracle(bars, target)
    assert out_of_sample(bars, sequence, target) > 0.7 * attainable
    assert abs(out_of_sample(bars, summaries(bars), target)) < 0.35 * attainable
    few = [mean_of(bars.location, 5), mean_of(bars.location, 20), shock(bars)]
    assert abs(out_of_sample(bars, products(few), target)) < 0.3 * attainable


@pytest.mark.parametrize("target", TARGETS)
def test_lead_lag_needs_the_links(target: tuple[int, int]) -> None:
    bars = seen("lead_lag")
    news = leaders_news(bars)
    attainable = oracle(bars, target)
    assert out_of_sample(bars, [news], target) > 0.5 * attainable
    assert abs(out_of_sample(bars, summaries(bars), target)) < 0.35 * attainable
    sequence = [back(bars.returns, sessions) for sessions in range(10)]
    assert abs(out_of_sample(bars, sequence, target)) < 0.35 * attainable


def leaders_news(bars: Seen) -> np.ndarray:
    """Fading standardised return, without its sector's, of the most traded among a stock and its five likest.

    The links come from the first half of the sessions, as a graph of trailing correlation would.
    """
    half = len(bars.returns) // 2
    residual = np.nan_to_num(without_sector(bars))
    likeness = np.corrcoef(residual[1:half].T)
    members = np.argsort(-likeness, axis=1)[:, :6]  # itself first
    size = bars.log_value[:half].mean(axis=0)
    leader = np.take_along_axis(members, np.argmax(size[members], axis=1)[:, None], axis=1)[:, 0]
    own = residual / residual[:half].std(axis=0)
    news = np.where(leader == np.arange(len(leader)), 0.0, own[:, leader])
    for now in range(1, len(news)):
        news[now] += 0.75 * news[now - 1]
    return news


def without_sector(bars: Seen) -> np.ndarray:
    sectors = bars.simulation.bars.listing.get_column("sector").to_numpy()
    residual = bars.returns.copy()
    for sector in np.unique(sectors):
        residual[:, sectors == sector] = demeaned(residual[:, sectors == sector])
    return residual
