"""A small market with planted scores."""

from __future__ import annotations

import numpy as np

from gogooku3.labels.target import Target


def planted(
    *,
    days: int = 420,
    stocks: int = 60,
    targets: tuple[Target, ...] = (Target(1, 1), Target(5, 0), Target(5, 1)),
    strengths: dict[str, float] | None = None,
    start: str = "2019-06-03",
    seed: int = 0,
) -> dict:
    """Keyword arguments of ``evaluate``: each model sees the drift of the coming days through noise."""
    rng = np.random.default_rng(seed)
    drift = np.zeros((days, stocks))
    shock = rng.normal(size=drift.shape)
    for t in range(1, days):
        drift[t] = 0.95 * drift[t - 1] + shock[t]
    drift *= 0.0015 / drift.std()
    link = np.exp(drift + rng.normal(0, 0.02, drift.shape))
    level = np.cumprod(link, axis=0)
    labels = {}
    for target in targets:
        label = np.full(drift.shape, np.nan)
        label[: days - target.reach] = level[target.reach :] / level[target.lag : days - target.horizon] - 1
        labels[target] = label
    strengths = {"ridge": 0.5, "lightgbm": 3.0} if strengths is None else strengths
    scores = {}
    for name, strength in strengths.items():
        noisy = strength * drift / drift.std() + np.cumsum(rng.normal(size=drift.shape), axis=0) / 10
        scores[name] = {target: noisy + 0.1 * rng.normal(size=drift.shape) for target in targets}
    universe = rng.random(drift.shape) < 0.95
    for grids in scores.values():
        for grid in grids.values():
            grid[~universe] = np.nan
    return {
        "scores": scores,
        "labels": labels,
        "sessions": np.busday_offset(start, np.arange(days)).astype("datetime64[D]"),
        "universe": universe,
        "link": link,
        "terminal_return": np.full(stocks, np.nan),
        "last_bar": np.full(stocks, days - 1),
    }
