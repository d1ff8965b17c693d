"""Variance components that are known, and the analysis of variance by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.evaluation.seed_split import SeedSplit, seed_split


def simulate(
    rng: np.random.Generator, *, seeds: int, days: int, seed_sd: float, day: float, joint: float, phi: float
) -> np.ndarray:
    """mu + a_s + b_t + e_st with autoregressive days and remainders of the given innovation scales."""

    def series(scale: float) -> np.ndarray:
        noise = rng.normal(0, scale, days)
        for t in range(1, days):
            noise[t] += phi * noise[t - 1]
        return noise

    days_effect = series(day)
    return np.array([0.01 + rng.normal(0, seed_sd) + days_effect + series(joint) for _ in range(seeds)])


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_the_components_are_found(phi: float) -> None:
    rng = np.random.default_rng(1)
    true = {"seed_sd": 0.004, "day": 0.05, "joint": 0.03}
    seeds, days = 5, 600
    splits = [
        seed_split(simulate(rng, seeds=seeds, days=days, phi=phi, **true), horizon=1) for _ in range(400)
    ]
    long_run = 1 / (1 - phi) ** 2  # of an autoregression with unit innovations

    def mean(name: str) -> float:
        return float(np.mean([getattr(split, name) ** 2 for split in splits]))

    # truncation at 0 pushes estimates up a little, the cosines' bias down
    assert mean("seed_error") == pytest.approx(true["seed_sd"] ** 2 / seeds, rel=0.15)
    assert mean("period_error") == pytest.approx(true["day"] ** 2 * long_run / days, rel=0.15)
    assert mean("joint_error") == pytest.approx(true["joint"] ** 2 * long_run / (seeds * days), rel=0.1)
    spread = float(np.var([split.mean for split in splits]))
    assert mean("error") == pytest.approx(spread, rel=0.25)


def test_the_mean_of_new_seeds_and_new_days_is_covered() -> None:
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(300):
        table = simulate(rng, seeds=8, days=300, seed_sd=0.004, day=0.05, joint=0.02, phi=0.3)
        split = seed_split(table, horizon=1)
        inside += abs(split.mean - 0.01) < 2.1 * split.error
    assert 0.91 <= inside / 300 <= 0.985


def test_seeds_that_do_not_matter_and_periods_that_do_not() -> None:
    rng = np.random.default_rng(3)
    only_days = np.tile(rng.normal(0.01, 0.05, 250), (4, 1))
    split = seed_split(only_days, horizon=1)
    assert (split.seed_sd, split.joint_error) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))
    assert split.period_share == pytest.approx(1)
    only_seeds = np.tile(np.array([[0.0], [0.01], [0.02]]), (1, 250))
    split = seed_split(only_seeds, horizon=1)
    assert split.seed_sd == pytest.approx(0.01)
    assert split.seed_error == pytest.approx(0.01 / np.sqrt(3))
    assert split.seed_share == pytest.approx(1)
    assert split.seed_means == pytest.approx((0.0, 0.01, 0.02))


def test_days_that_a_seed_lacks_do_not_count() -> None:
    rng = np.random.default_rng(4)
    table = rng.normal(0.01, 0.05, (3, 260))
    holes = table.copy()
    holes[1, [3, 77]] = np.nan
    expected = seed_split(np.delete(table, [3, 77], axis=1), horizon=5)
    assert seed_split(holes, horizon=5) == expected
    assert expected.days == 258


def test_shares_add_up() -> None:
    split = SeedSplit(
        seeds=3,
        days=9,
        mean=0.0,
        seed_means=(0.0, 0.0, 0.0),
        seed_sd=0.0,
        seed_error=3.0,
        period_error=4.0,
        joint_error=12.0,
    )
    assert split.error == pytest.approx(13)
    assert split.seed_share == pytest.approx(9 / 169)
    assert split.period_share == pytest.approx(16 / 169)
