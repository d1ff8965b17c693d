"""The oracle of the simulated market is right: calibrated, not beaten, and nothing without a signal."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from gogooku3.sources.simulated import (
    DEFAULT_TARGETS,
    Simulation,
    SimulationSettings,
    simulate,
    truth_frame,
)
from gogooku3.sources.simulation.attainable import daily_rank_ic, mean_rank_ic, realised_returns
from gogooku3.sources.simulation.signals import Filtered

SETTINGS = SimulationSettings(stocks=250, sessions=700)
PARTS = SETTINGS.signals


@pytest.fixture(scope="module")
def market() -> Simulation:
    return simulate(SETTINGS)


@pytest.fixture(scope="module")
def quiet() -> Simulation:
    return simulate(SETTINGS.model_copy(update={"signals": ()}))


def standard_error(daily: np.ndarray, overlap: int) -> float:
    """Of the mean of an overlapping series, from means over blocks much longer than the overlap."""
    blocks = [
        block.mean()
        for block in np.array_split(daily[np.isfinite(daily)], max(8, len(daily) // (2 * overlap) // 2))
    ]
    return float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))


@pytest.mark.parametrize("target", DEFAULT_TARGETS)
@pytest.mark.parametrize("part", ["all", *PARTS])
def test_expectations_are_calibrated(market: Simulation, part: str, target: tuple[int, int]) -> None:
    """The slope of realised on expected log returns is 1, whichever part the expectation comes from."""
    expected = market.expected[target] if part == "all" else market.expected_by_part[part][target]
    realised = np.log1p(realised_returns(market.adjusted, *target))
    both = np.isfinite(expected) & np.isfinite(realised)
    x, y = np.where(both, expected, np.nan)[: -sum(target)], np.where(both, realised, np.nan)[: -sum(target)]
    x, y = x - np.nanmean(x, axis=1, keepdims=True), y - np.nanmean(y, axis=1, keepdims=True)
    energy, product = np.nansum(x * x, axis=1), np.nansum(x * y, axis=1)
    slope = product.sum() / energy.sum()
    error = standard_error(product - slope * energy, sum(target)) / energy.mean()
    assert error < 0.35
    assert abs(slope - 1.0) < max(3.5 * error, 0.05)


@pytest.mark.parametrize("target", DEFAULT_TARGETS)
def test_every_target_and_part_can_be_attained(market: Simulation, target: tuple[int, int]) -> None:
    attainable = {name: by_target[target] for name, by_target in market.attainable.items()}
    assert set(attainable) == {"all", *PARTS}
    assert all(value > 0.005 for value in attainable.values())
    parts = [attainable[name] for name in PARTS]
    assert attainable["all"] > max(parts)
    np.testing.assert_allclose(attainable["all"], np.sqrt(np.sum(np.square(parts))), rtol=0.2)


def test_default_strengths(market: Simulation) -> None:
    assert 0.08 < market.attainable["all"][1, 1] < 0.12
    shares = [market.attainable[name][1, 1] for name in PARTS]
    assert max(shares) < 1.75 * min(shares)


@pytest.mark.parametrize("target", [(1, 1), (5, 1), (10, 0)])
def test_rank_ic_is_what_theory_says(market: Simulation, target: tuple[int, int]) -> None:
    """Of a bivariate normal with correlation rho = sd(expected) / sd(realised): 6 / pi asin(rho / 2)."""
    expected, realised = market.expected[target], np.log1p(realised_returns(market.adjusted, *target))
    known = np.isfinite(expected) & np.isfinite(realised)
    rows = known.any(axis=1)
    rho = np.nanstd(np.where(known, expected, np.nan)[rows], axis=1) / np.nanstd(
        np.where(known, realised, np.nan)[rows], axis=1
    )
    theory = float(np.mean(6.0 / np.pi * np.arcsin(rho / 2.0)))
    assert market.attainable["all"][target] == pytest.approx(theory, rel=0.15)


@pytest.mark.parametrize("target", [(1, 1), (20, 1)])
def test_the_oracle_is_not_beaten(market: Simulation, target: tuple[int, int]) -> None:
    returns, expected = realised_returns(market.adjusted, *target), market.expected[target]
    best = mean_rank_ic(expected, returns)
    noise = np.random.default_rng(3).standard_normal(expected.shape)
    ladder = [
        mean_rank_ic(expected + k * np.nanstd(expected) * noise, returns) for k in (0.25, 0.5, 1.0, 2.0)
    ]
    assert best > ladder[0] > ladder[1] > ladder[2] > ladder[3] > 0
    assert ladder[2] == pytest.approx(best / np.sqrt(2.0), rel=0.15)
    volatility = np.nanstd(np.diff(np.log(market.adjusted), axis=0), axis=0)
    assert mean_rank_ic(expected / volatility, returns) < 1.02 * best
    for name in PARTS:
        tilted = expected + 0.5 * market.expected_by_part[name][target]
        assert mean_rank_ic(tilted, returns) < 1.01 * best


@pytest.mark.parametrize("target", DEFAULT_TARGETS)
def test_nothing_is_found_where_nothing_is_planted(
    market: Simulation, quiet: Simulation, target: tuple[int, int]
) -> None:
    daily = daily_rank_ic(market.expected[target], realised_returns(quiet.adjusted, *target))
    mean = float(np.nanmean(daily))
    assert abs(mean) < 4.0 * standard_error(daily, sum(target))
    assert abs(mean) < 0.15 * market.attainable["all"][target] + 0.006


def test_no_signal_means_no_expectation(quiet: Simulation) -> None:
    assert quiet.expected_by_part == {}
    assert quiet.attainable == {"all": dict.fromkeys(DEFAULT_TARGETS, 0.0)}
    np.testing.assert_array_equal(quiet.expected[1, 1][quiet.present], 0.0)
    silent = simulate(SETTINGS.model_copy(update={"strength": 0.0, "sessions": 100}))
    assert set(silent.attainable["linear"].values()) == {0.0}


def test_strength_scales_the_expectation(market: Simulation) -> None:
    strong = simulate(SETTINGS.model_copy(update={"strength": 2.0}))
    np.testing.assert_allclose(strong.expected[5, 1], 2.0 * market.expected[5, 1], rtol=1e-12)


def test_parts_add_up_and_know_where_bars_are(market: Simulation) -> None:
    for target in DEFAULT_TARGETS:
        total = sum(part[target] for part in market.expected_by_part.values())
        np.testing.assert_allclose(market.expected[target], total, rtol=1e-9, atol=1e-15)
        np.testing.assert_array_equal(np.isfinite(market.expected[target]), market.present)
    assert list(market.expected) == list(DEFAULT_TARGETS)
    with pytest.raises(KeyError):
        market.expected[3, 1]


@pytest.mark.parametrize("target", [(1, 0), (2, 1), (5, 3), (1, 7)])
def test_a_filter_forgets_what_is_not_yet_known(target: tuple[int, int]) -> None:
    """Brute force: alpha[t + j] with all noise after t set to its mean."""
    rng = np.random.default_rng(5)
    kernel, noise = rng.standard_normal(4), rng.standard_normal((30, 2))
    horizon, lag = target
    got = Filtered(noise, kernel).expected(horizon, lag)
    for now in range(30):
        seen = np.concatenate([noise[: now + 1], np.zeros((20, 2))])
        alphas = [
            sum(kernel[m] * seen[now + j - m] for m in range(4) if now + j - m >= 0)
            for j in range(lag, lag + horizon)
        ]
        np.testing.assert_allclose(got[now], np.sum(alphas, axis=0), atol=1e-12)


def test_daily_rank_ic_agrees_with_scipy() -> None:
    rng = np.random.default_rng(11)
    scores, returns = np.round(rng.standard_normal((6, 40)), 1), rng.standard_normal((6, 40))
    scores[0, :15] = np.nan
    scores[1, :25] = np.nan  # too few names
    returns[2, 3:9] = np.nan
    scores[3] = 1.0  # constant
    daily = daily_rank_ic(scores, returns)
    for row in (0, 2, 4, 5):
        both = np.isfinite(scores[row]) & np.isfinite(returns[row])
        assert daily[row] == pytest.approx(spearmanr(scores[row, both], returns[row, both]).statistic)
    assert np.isnan(daily[[1, 3]]).all()
    assert mean_rank_ic(scores, returns) == pytest.approx(np.nanmean(daily))


def test_realised_returns_by_hand() -> None:
    adjusted = np.array([[100.0], [110.0], [np.nan], [121.0], [133.1]])
    np.testing.assert_allclose(
        realised_returns(adjusted, 1, 0), [[0.1], [np.nan], [np.nan], [0.1], [np.nan]], rtol=1e-12
    )
    np.testing.assert_allclose(
        realised_returns(adjusted, 2, 1), [[0.1], [np.nan], [np.nan], [np.nan], [np.nan]], rtol=1e-12
    )
    assert np.isnan(realised_returns(adjusted, 5, 1)).all()


def test_truth_frame_stands_beside_the_bars(market: Simulation) -> None:
    frame = truth_frame(market)
    assert frame.columns == ["date", "code", *(f"h{h}_d{d}" for h, d in DEFAULT_TARGETS)]
    assert frame.select("date", "code").equals(market.bars.frame.select("date", "code"))
    code = market.codes.index(frame.get_column("code")[-1])
    assert frame.get_column("h5_d1")[-1] == market.expected[5, 1][-1, code]
    assert frame.select(pl.col(pl.Float64).is_finite().all()).row(0) == (True,) * len(DEFAULT_TARGETS)
