"""One way to rank, and the same bits wherever it is used."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from gogooku3.labels.ranks import rank_targets
from gogooku3.ranks import average_ranks
from gogooku3.sources.simulation.attainable import daily_rank_ic


def grid(seed: int, days: int = 150, stocks: int = 41) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(days, stocks)), 1)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[3] = np.nan
    values[5] = 0.25
    values[7, 1:] = np.nan
    return values


def ranked(values: np.ndarray) -> np.ndarray:
    return rankdata(values, method="average", axis=1, nan_policy="omit")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ranks_are_those_of_scipy_bit_for_bit(dtype: type) -> None:
    values = grid(0).astype(dtype)
    np.testing.assert_array_equal(average_ranks(values), ranked(values))
    assert average_ranks(values[:, :0]).shape == (150, 0)
    assert average_ranks(values[:0]).shape == (0, 41)


def test_rank_targets_are_scaled_ranks_bit_for_bit() -> None:
    values = grid(1)
    universe = np.random.default_rng(2).random(values.shape) < 0.9
    ranks = ranked(np.where(universe, values, np.nan))
    count = np.isfinite(ranks).sum(axis=1, keepdims=True)
    expected = ((ranks - 0.5) / np.maximum(count, 1) - 0.5).astype(np.float32)
    np.testing.assert_array_equal(rank_targets(values[:, :, None], universe)[:, :, 0], expected)


def test_the_oracles_rank_ic_is_of_centred_ranks_bit_for_bit() -> None:
    scores, returns = grid(3), grid(4)
    paired = np.isfinite(scores) & np.isfinite(returns)
    count = paired.sum(axis=1, keepdims=True)
    left, right = (
        np.where(paired, ranked(np.where(paired, side, np.nan)) - (count + 1) / 2, 0.0)
        for side in (scores, returns)
    )
    spread = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    valid = (count[:, 0] >= 20) & (spread > 0)
    expected = np.where(valid, (left * right).sum(axis=1) / np.where(valid, spread, 1.0), np.nan)
    np.testing.assert_array_equal(daily_rank_ic(scores, returns), expected)
