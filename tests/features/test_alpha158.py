"""The alpha158 set against its published formulas, evaluated from their text on adjusted prices."""

from __future__ import annotations

import dataclasses
import hashlib
import re

import numpy as np
import pytest

from gogooku3.features.alpha.formulas import FORMULAS
from gogooku3.features.alpha.quantiles import sorting_network
from gogooku3.features.alpha158 import alpha158
from gogooku3.features.compute import compute
from gogooku3.features.fields import Fields, base_fields
from tests.conftest import random_market
from tests.features.qlib_notation import evaluate, missing, sessions_read

NAMES = tuple(FORMULAS)
PUBLISHED = "4b30a3afaf8ed9f8424b03a25b4546ec2ef1fd4bc32e49aaf7f20086dd11b411"
"""SHA-256 of "name = formula" lines of Alpha158DL.get_feature_config() in pyqlib 0.9.7, without VWAP0."""


def test_names_and_formulas_are_the_published_ones():
    text = "\n".join(f"{name} = {formula}" for name, formula in FORMULAS.items())
    assert hashlib.sha256(text.encode()).hexdigest() == PUBLISHED
    features = alpha158()
    assert features.exported == NAMES
    assert all(features.by_name[name].meaning == FORMULAS[name] for name in NAMES)


def exact(fields: Fields) -> dict[str, np.ndarray]:
    """Every feature of every session in float64, each computed on the whole history at once."""
    features, values = alpha158(), dict(fields.grids)
    for name in features.order:
        item = features.by_name[name]
        padded = []
        for other in item.inputs:
            grid = values[other]
            empty = np.zeros_like(grid[:1]) if grid.dtype == bool else np.full_like(grid[:1], np.nan)
            padded.append(np.concatenate([*[empty] * (item.window - 1), grid]))
        with np.errstate(invalid="ignore", divide="ignore"):
            made = item.function(*padded)
        values[name] = made[item.output] if item.shared else made
    return {name: values[name] for name in features.exported}


def grids_of(market, unit: float = 1e12) -> dict[str, np.ndarray]:
    """Adjusted prices and volume; volume in a unit so small that the 1 and the 1e-12 added to it do not count."""
    prices = {name: getattr(market, name) * market.factor for name in ("open", "high", "low", "close")}
    return prices | {"volume": market.volume / market.factor * unit}


def is_full(market, name: str) -> np.ndarray:
    """Where the stock has a bar, linked to the one before and with volume where that counts, on all sessions read."""
    formula, window = FORMULAS[name], int((re.findall(r"(?<=[A-Z])\d+$", name) or ["1"])[0]) or 1
    sessions = sessions_read(formula, window)
    full = ~missing(market.close, sessions)
    broken = np.where(market.broken, np.nan, 1.0)
    if sessions > 1:  # the first session's own link is not read
        full &= ~missing(broken, sessions - 1)
    if "volume" in formula:
        traded = np.where(market.volume > 0, 1.0, np.nan)
        if name.startswith("CORR"):
            full &= ~missing(traded, window)
        if name.startswith("CORD"):
            full[1:] &= ~missing(traded, window)[:-1]
        if name.startswith(("VMA", "VSTD")):
            full &= market.volume > 0
    return full


def coarse_market(seed: int):
    """Whole prices with many ties, quiet stretches and a 3:1 split, whose factor makes links that only round to 0."""
    rng = np.random.default_rng(seed)
    market = random_market(rng, sessions=260, stocks=10)
    steps = rng.integers(-1, 2, market.close.shape) * (rng.random(market.close.shape) < 0.6)
    steps[:, 7] = 0
    close = 30.0 + np.abs(np.cumsum(steps, axis=0))
    close[:, 9] += 3e5  # as do the returns here
    opened = close + rng.integers(-1, 2, close.shape)
    high = np.maximum(opened, close) + rng.integers(0, 2, close.shape)
    low = np.minimum(opened, close) - rng.integers(0, 2, close.shape)
    opened[:, 7] = high[:, 7] = low[:, 7] = close[:, 7]
    factor = np.where(np.arange(260)[:, None] < 130, 1.0, 3.0) * np.ones(close.shape)
    volume = np.round(np.exp(rng.normal(3, 1, close.shape))) * (rng.random(close.shape) < 0.98)
    volume[100:180, 8] = 0.0
    volume[:, 6] = 2e6 + rng.integers(0, 2, len(volume))  # varies too little to be correlated with
    gone = np.isnan(market.close) & (rng.random(close.shape) < 0.3)
    grids = {"open": opened, "high": high, "low": low, "close": close}
    scaled = {name: np.where(gone, np.nan, 6.0 * grid / factor) for name, grid in grids.items()}
    return dataclasses.replace(
        market,
        **scaled,
        factor=np.where(gone, np.nan, factor),
        volume=np.where(gone, np.nan, volume * factor),
    )


MARKETS = {
    "smooth": lambda: random_market(np.random.default_rng(21), sessions=400, stocks=70),
    "coarse": lambda: coarse_market(23),
    "coarse, other seed": lambda: coarse_market(24),
}


@pytest.mark.parametrize("kind", MARKETS)
def test_full_windows_equal_the_formulas(kind):
    market = MARKETS[kind]()
    values, grids = exact(base_fields(market, market.present)), grids_of(market)
    for name in NAMES:
        full = is_full(market, name)
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = evaluate(FORMULAS[name], grids)
        assert full.sum() >= 100, name
        assert full.any(axis=0).sum() >= 5, name
        np.testing.assert_allclose(
            values[name][full], expected[full], rtol=1e-8, atol=1e-9, equal_nan=True, err_msg=name
        )


def test_the_set_is_stored_as_it_was_computed():
    market = MARKETS["smooth"]()
    fields = base_fields(market, market.present)
    values, stored = exact(fields), compute(alpha158(), fields, 0, len(market.sessions))
    for column, name in enumerate(NAMES):
        np.testing.assert_array_equal(stored[..., column], values[name].astype(np.float32), err_msg=name)


def test_the_one_added_to_share_counts_is_small():
    """Median volume here is 22,000 shares a day: what the scale-free reading of Log($volume+1) leaves out."""
    market = MARKETS["smooth"]()
    values, grids = exact(base_fields(market, market.present)), grids_of(market, unit=1.0)
    for name in (f"CORR{d}" for d in (5, 10, 20, 30, 60)):
        full = is_full(market, name)
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.abs(values[name] - evaluate(FORMULAS[name], grids))[full]
        assert 0.0 < np.median(gap) < 1e-4
        assert gap.max() < 5e-3


@pytest.mark.parametrize("size", [1, 2, 5, 10, 20, 30, 60, 61])
def test_the_network_sorts(size):
    values = np.round(np.random.default_rng(size).normal(size=(500, size)), 1)
    ordered = np.sort(values, axis=1)
    for first, second in sorting_network(size):
        pair = np.sort(values[:, [first, second]], axis=1)
        values[:, [first, second]] = pair
    np.testing.assert_array_equal(values, ordered)
