"""Rows drawn at random, with a signal to find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from gogooku3.models.baselines.rows import Rows

Signal = Callable[[np.ndarray], np.ndarray]


def linear(x: np.ndarray) -> np.ndarray:
    """A signal that a straight line finds."""
    return x[:, 0] - 0.5 * x[:, 1]


def saddle(x: np.ndarray) -> np.ndarray:
    """A signal that no straight line finds."""
    return 4.0 * x[:, 0] * x[:, 1]


def placed(values: np.ndarray) -> np.ndarray:
    """(average rank - 0.5) / n - 0.5 of the values that are there, by scipy."""
    out = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    if known.any():
        out[known] = (rankdata(values[known]) - 0.5) / known.sum() - 0.5
    return out


def draw_rows(
    rng: np.random.Generator,
    *,
    sessions: int = 40,
    features: int = 5,
    signals: tuple[Signal, ...] = (linear, linear),
    noise: float = 0.3,
    missing: float = 0.1,
    unlabelled: float = 0.1,
) -> Rows:
    """Ragged sessions of 25 to 40 names; ranks per session, some features and labels missing."""
    xs, ys, length = [], [], []
    for _ in range(sessions):
        names = int(rng.integers(25, 41))
        raw = rng.normal(size=(names, features))
        raw[rng.random(raw.shape) < missing] = np.nan
        x = np.stack([placed(column) for column in raw.T], axis=1)
        y = np.stack([f(np.nan_to_num(x)) + noise * rng.normal(size=names) for f in signals], axis=1)
        y[rng.random(y.shape) < unlabelled] = np.nan
        xs.append(x)
        ys.append(np.stack([placed(column) for column in y.T], axis=1))
        length.append(names)
    bounds = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    return Rows(
        x=np.concatenate(xs).astype(np.float32), y=np.concatenate(ys).astype(np.float32), bounds=bounds
    )


def daily_rank_ic_of(rows: Rows, target: int, scores: np.ndarray) -> float:
    """Mean daily Spearman correlation, session by session with scipy's ranks."""
    found = []
    for a, b in zip(rows.bounds[:-1], rows.bounds[1:], strict=True):
        y, s = rows.y[a:b, target], scores[a:b]
        known = ~np.isnan(y)
        if known.sum() >= 20:
            found.append(np.corrcoef(rankdata(y[known]), rankdata(s[known]))[0, 1])
    return float(np.mean(found))
