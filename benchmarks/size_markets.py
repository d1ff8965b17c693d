"""What `size.py` counts: rejections of true hypotheses in noise markets, by test.

A change of this file forgets what was counted; one of the page, which `size.py` writes, does not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from gogooku3.evaluation import bootstrap
from gogooku3.evaluation.many_tries.deflated_sharpe import deflated_sharpe
from gogooku3.evaluation.many_tries.false_discovery import false_discovery, two_sided_p
from gogooku3.evaluation.many_tries.noise_market import NoiseMarket, noise_market
from gogooku3.evaluation.many_tries.probabilistic_sharpe import probabilistic_sharpe
from gogooku3.evaluation.many_tries.sharpe_ratio import sharpe_ratio
from gogooku3.evaluation.many_tries.superior import superior_ability
from gogooku3.evaluation.significance import ewc_test, newey_west_test, non_overlapping_test

SEED = 2024
STOCKS, LENGTHS, MAIN_LENGTH = 200, (245, 750, 1225), 750
HORIZONS, PERSISTENCE = (1, 5, 10, 20), (0.0, 0.9, 0.98, 1.0)
KINDS = ("plain", "factors")
LEVEL = 0.05
COSINES = "equal-weighted cosines"
METHODS: dict[str, Callable[..., tuple[float, float]]] = {
    COSINES: lambda x, h: _ends(ewc_test(x, horizon=h)),
    "Newey-West, lag h - 1": lambda x, h: _ends(newey_west_test(x, horizon=h)),
    "every h-th day": lambda x, h: _ends(non_overlapping_test(x, horizon=h)),
    "stationary bootstrap": lambda x, h: bootstrap.bootstrap_interval(x, horizon=h),
}
RESAMPLES, RESAMPLES_OF_SUPERIOR = 1000, 500
PROBABILISTIC = {False: "probabilistic Sharpe, independent returns", True: "probabilistic Sharpe"}
DEFLATED = {False: "deflated Sharpe, independent returns", True: "deflated Sharpe"}
DISCOVERY = ("false discovery, Benjamini-Hochberg", "false discovery, Benjamini-Yekutieli")
SUPERIOR = "superior predictive ability"


class Variant(NamedTuple):
    """A bootstrap interval: block in horizons, degrees of freedom in T / block, widened for overlap or not."""

    multiple: int
    freedom: float
    overlap: bool


VARIANTS = {
    "percentiles": Variant(2, 0, False),
    "2T/b degrees of freedom": Variant(2, 2, False),
    "T/b": Variant(2, 1, False),
    "2T/b, overlap": Variant(2, 2, True),
    "T/b, overlap": Variant(2, 1, True),
    "b = 3h, T/b": Variant(3, 1, False),
    "b = 3h, T/b, overlap": Variant(3, 1, True),
}


class Cell(NamedTuple):
    """What was tested how; horizon 0 is all horizons together."""

    kind: str
    series: str
    method: str
    days: int
    persistence: str
    horizon: int


def _ends(test: Any) -> tuple[float, float]:
    return test.low, test.high


def chunk(kind: str, first: int, count: int) -> dict[str, list[int]]:
    """Return rejections and tests of each cell in the markets ``first`` to ``first + count``."""
    tests: Counter[Cell] = Counter()
    rejections: Counter[Cell] = Counter()
    markets = [
        noise_market(
            [SEED, KINDS.index(kind), k],
            persistence=PERSISTENCE,
            horizons=HORIZONS,
            days=max(LENGTHS),
            stocks=STOCKS,
            factors=kind == "factors",
        )
        for k in range(first, first + count)
    ]
    looks = (_outcomes, _ratios, _families, _superior)
    for cell, rejected in (
        found for days in LENGTHS for look in looks for found in look(kind, days, markets)
    ):
        tests[cell] += len(rejected)
        rejections[cell] += int(np.sum(rejected))
    return {json.dumps(cell): [rejections[cell], total] for cell, total in tests.items()}


def _outcomes(kind: str, days: int, markets: Sequence[NoiseMarket]) -> Iterator[tuple[Cell, np.ndarray]]:
    for p, phi in enumerate(PERSISTENCE):
        for h, horizon in enumerate(HORIZONS):
            series = {
                "RankIC": np.stack([m.rank_ic[p, h, :days] for m in markets]),
                "decile spread": np.stack([m.spread[p, h, :days] for m in markets]),
                "portfolio": np.stack([m.portfolio[p, h, :days] for m in markets]),
                "RankIC less that of another score": np.stack(
                    [m.rank_ic[p, h, :days] - m.rank_ic[p - 1, h, :days] for m in markets]
                ),
            }
            for name, values in series.items():
                overlap = 1 if name == "portfolio" else horizon  # as the report does
                for method, test in METHODS.items() if name == "RankIC" else [(COSINES, METHODS[COSINES])]:
                    ends = np.array([test(row, overlap) for row in values])
                    known = np.isfinite(ends).all(axis=1)
                    yield (
                        Cell(kind, name, method, days, str(phi), horizon),
                        (ends[known, 0] > 0) | (ends[known, 1] < 0),
                    )
            for name, variant in VARIANTS.items():
                cell = Cell(kind, "RankIC", f"bootstrap: {name}", days, str(phi), horizon)
                yield cell, rejects(series["RankIC"], horizon, variant)


def _ratios(kind: str, days: int, markets: Sequence[NoiseMarket]) -> Iterator[tuple[Cell, np.ndarray]]:
    """Tell where the probability that a portfolio's Sharpe ratio is above 0 is above 95 %."""
    for p, phi in enumerate(PERSISTENCE):
        for h, horizon in enumerate(HORIZONS):
            sharpes = [sharpe_ratio(m.portfolio[p, h, :days]) for m in markets]
            for serial, name in PROBABILISTIC.items():
                found = np.array([probabilistic_sharpe(sharpe, serial=serial) for sharpe in sharpes])
                yield Cell(kind, "portfolio", name, days, str(phi), horizon), found > 1 - LEVEL


def _families(kind: str, days: int, markets: Sequence[NoiseMarket]) -> Iterator[tuple[Cell, np.ndarray]]:
    """Tell in which markets the best portfolio of all is above luck, or any RankIC of all is a finding."""
    deflated, adjusted = [], []
    for market in markets:
        nets = market.portfolio[:, :, :days].reshape(-1, days).T
        deflated.append(deflated_sharpe(nets, int(np.argmax(nets.mean(axis=0) / nets.std(axis=0)))))
        tests = [
            ewc_test(market.rank_ic[p, h, :days], horizon=horizon)
            for p in range(len(PERSISTENCE))
            for h, horizon in enumerate(HORIZONS)
        ]
        t, freedom = np.array([(test.t, test.freedom) for test in tests]).T
        found = false_discovery(two_sided_p(t, freedom))
        adjusted.append((found.independent.min(), found.dependent.min()))
    for serial, name in DEFLATED.items():
        sure = np.array([one.serial_probability if serial else one.probability for one in deflated])
        yield Cell(kind, "portfolio", name, days, "all", 0), sure > 1 - LEVEL
    for name, least in zip(DISCOVERY, np.array(adjusted).T, strict=True):
        yield Cell(kind, "RankIC", name, days, "all", 0), least <= LEVEL


def _superior(kind: str, days: int, markets: Sequence[NoiseMarket]) -> Iterator[tuple[Cell, np.ndarray]]:
    """Tell in which markets one of the scores that persist is better than the one that does not."""
    if not has_arch():
        return
    for h, horizon in enumerate(HORIZONS):
        p = [
            superior_ability(
                m.rank_ic[1:, h, :days].T,
                m.rank_ic[0, h, :days],
                horizon=horizon,
                samples=RESAMPLES_OF_SUPERIOR,
            ).consistent
            for m in markets
        ]
        yield Cell(kind, "RankIC", SUPERIOR, days, "three against 0", horizon), np.array(p) < LEVEL


def has_arch() -> bool:
    """Tell whether superior predictive ability can be tested."""
    return find_spec("arch") is not None


def rejects(values: np.ndarray, horizon: int, variant: Variant) -> np.ndarray:
    """Tell for which rows 0 is outside the interval of a variant of the stationary bootstrap; none if too short."""
    days = values.shape[1]
    block = max(variant.multiple * horizon, bootstrap.block_length(days, 1))
    if days < 4 * block:
        return np.empty(0, dtype=bool)
    means = bootstrap._draws(days, block, RESAMPLES, 0) @ values.T / days
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    centre, widening = values.mean(axis=1), 1.0
    if variant.freedom:
        level = 1 - LEVEL / 2
        widening = (
            stdtrit(variant.freedom * days / block, level) / ndtri(level) / np.sqrt(1 - 2 * block / days)
        )
    if variant.overlap:
        widening *= np.sqrt(overlap_factor(horizon, block))
    return (centre + widening * (low - centre) > 0) | (centre + widening * (high - centre) < 0)


def overlap_factor(horizon: int, block: int) -> float:
    """Return how much of the long-run variance of fully overlapping values the bootstrap's weights miss, 1 or more.

    Their autocovariance at lag k is 1 - k / h; the stationary bootstrap weights it by (1 - 1 / block)^k.
    """
    lag = np.arange(1, horizon)
    return float(horizon / (1 + 2 * ((1 - lag / horizon) * (1 - 1 / block) ** lag).sum()))
