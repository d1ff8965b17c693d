"""Small grids with ties, holes and groups."""

from __future__ import annotations

import numpy as np

from gogooku3.evaluation.anatomy.market_view import MarketView
from gogooku3.evaluation.settings import EvaluationSettings

SETTINGS = EvaluationSettings(min_names=8, quantiles=4, bootstrap_samples=100)


def grids(seed: int = 0, days: int = 30, stocks: int = 70) -> tuple[np.ndarray, np.ndarray]:
    """A score and a label that goes along with it; ties in both, and missing values."""
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(size=(days, stocks)), 1)
    label = np.round(0.3 * score + rng.normal(size=score.shape), 1)
    score[rng.random(score.shape) < 0.1] = np.nan
    label[rng.random(label.shape) < 0.1] = np.nan
    label[3] = np.nan
    score[4, 6:] = np.nan
    return score, label


def view(seed: int = 1, days: int = 30, stocks: int = 70, **changes) -> MarketView:
    """Three sectors of 30, 30 and 5 stocks, the rest unknown, and styles with holes and ties."""
    rng = np.random.default_rng(seed)
    sector = np.full(stocks, -1, dtype=np.int16)
    sector[:30], sector[30:60], sector[60:65] = 1, 0, 2
    size, beta, volatility = rng.lognormal(size=(3, days, stocks))
    size[rng.random(size.shape) < 0.05] = np.nan
    beta = np.round(beta, 1)
    parts = {
        "universe": rng.random((days, stocks)) < 0.95,
        "sector": rng.permutation(sector),
        "sector_names": ("steel", "banks", "tiny"),
        "size": size,
        "beta": beta,
        "volatility": volatility,
        "size_is": "made up",
    }
    return MarketView(**{**parts, **changes})
