"""How often tests at 5 % reject in markets where no score is worth anything.

A thousand noise markets of 200 stocks, plain ones and ones with factors, heavy tails and clustered volatility; scores
that persist (first-order autocorrelation 0, .9, .98, and never changing); labels that overlap over 1, 5, 10 and 20
sessions; series of one year, three years and five. The tests are the functions that the report calls. Each finished
chunk of markets is kept, so that an interrupted run goes on; a change of the tests or the market forgets them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bench import HERE, REPOSITORY, machine, options, publish, say, table
from scipy.special import ndtri, stdtrit
from scipy.stats import binom

from gogooku3.config.process import prepare_process
from gogooku3.evaluation import bootstrap
from gogooku3.evaluation.many_tries.noise_market import NoiseMarket, noise_market
from gogooku3.evaluation.significance import ewc_test, newey_west_test, non_overlapping_test

SEED, MARKETS, QUICK_MARKETS, CHUNK = 2024, 1000, 40, 20
STOCKS, LENGTHS, MAIN_LENGTH = 200, (245, 750, 1225), 750
HORIZONS, PERSISTENCE = (1, 5, 10, 20), (0.0, 0.9, 0.98, 1.0)
KINDS = ("plain", "factors")
LEVEL, LOW, HIGH = 0.05, 0.03, 0.07
COSINES = "equal-weighted cosines"
METHODS: dict[str, Callable[..., tuple[float, float]]] = {
    COSINES: lambda x, h: _ends(ewc_test(x, horizon=h)),
    "Newey-West, lag h - 1": lambda x, h: _ends(newey_west_test(x, horizon=h)),
    "every h-th day": lambda x, h: _ends(non_overlapping_test(x, horizon=h)),
    "stationary bootstrap": lambda x, h: bootstrap.bootstrap_interval(x, horizon=h),
}
RESAMPLES = 1000
SOURCES = ("many_tries/noise_market.py", "significance.py", "bootstrap.py")


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


VARIANTS_NOTE = """\
The interval is the percentiles of the resampled means, stretched around their centre by the quantile of Student's t
with the stated degrees of freedom over the normal one and by 1 / sqrt(1 - 2b/T); with overlap also by the share of the
long-run variance of fully overlapping values that the resampling's weights miss. Blocks are b = 2h, or T^(1/3) where
that is longer. An estimate with weights exp(-k/b) has T/b degrees of freedom: 2 over its squared coefficient of
variation, 2b/T. A series of fewer than four blocks has no interval."""


class Cell(NamedTuple):
    """What was tested how."""

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
    for cell, rejected in (found for days in LENGTHS for found in _outcomes(kind, days, markets)):
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


def gather(scratch: Path, markets: int, fresh: bool) -> Counter[tuple[Cell, str]]:
    """Return all rejections and tests, computing the chunks that are not kept."""
    folder = scratch / "size" / digest()
    folder.mkdir(parents=True, exist_ok=True)
    total: Counter[tuple[Cell, str]] = Counter()
    for first in range(0, markets, CHUNK):
        for kind in KINDS:
            path = folder / f"{kind}-{first}.json"
            if fresh or not path.exists():
                partial = path.with_suffix(".partial")
                partial.write_text(json.dumps(chunk(kind, first, CHUNK)), encoding="utf-8")
                partial.replace(path)
                say(f"{kind}: {first + CHUNK} of {markets} markets")
            for text, (rejected, tests) in json.loads(path.read_text(encoding="utf-8")).items():
                cell = Cell(*json.loads(text))
                total[cell, "rejected"] += rejected
                total[cell, "tests"] += tests
    return total


def digest() -> str:
    """Return a digest of the code that decides a chunk."""
    sources = [REPOSITORY / "src/gogooku3/evaluation" / name for name in SOURCES]
    found = hashlib.sha256()
    for path in [*sources, REPOSITORY / "src/gogooku3/ranks.py", HERE / "size.py"]:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def pages(total: Counter[tuple[Cell, str]], markets: int) -> list[str]:
    """Return the page, part by part."""
    cells = {
        cell: total[cell, "rejected"] / tests
        for (cell, what), tests in total.items()
        if what == "tests" and tests
    }
    judged = {cell: size for cell, size in cells.items() if cell.method == COSINES}
    methods = {c: size for c, size in cells.items() if c.series == "RankIC" and c.method in METHODS}
    variants = {c: size for c, size in cells.items() if c.method.startswith("bootstrap: ")}
    by = ("method", "days", "persistence")
    error = 100 * np.sqrt(LEVEL * (1 - LEVEL) / markets)
    return [
        f"# Size: {markets:,} noise markets",
        f"`python benchmarks/size.py`, seed {SEED}. {(__doc__ or '').split(chr(10) * 2, 1)[1]}",
        _verdict(judged, markets),
        f"Rejections of a true hypothesis, per cent; one standard deviation is {error:.1f}.",
        f"## The report's test, by series, {MAIN_LENGTH} sessions",
        _table(judged, ("series", "kind", "persistence"), days=MAIN_LENGTH),
        "## The report's four methods on the RankIC, mean of both kinds",
        _table(methods, by),
        "## Variants of the bootstrap, mean of both kinds",
        VARIANTS_NOTE,
        _table(variants, by),
        machine(),
    ]


def _verdict(judged: dict[Cell, float], markets: int) -> str:
    rank_ic = [size for cell, size in judged.items() if cell.series == "RankIC"]
    outside = sum(not LOW <= size <= HIGH for size in judged.values())
    below = binom.cdf(np.ceil(LOW * markets) - 1, markets, LEVEL)
    chance = below + binom.sf(np.floor(HIGH * markets), markets, LEVEL)
    met = "met" if min(rank_ic) >= LOW and max(rank_ic) <= HIGH else "MISSED"
    return (
        f"The test by which the report judges, {COSINES}, rejects the RankIC in {min(rank_ic):.1%} to "
        f"{max(rank_ic):.1%} over all {len(rank_ic)} combinations. Goal, {LOW:.0%} to {HIGH:.0%}: {met}. Of all "
        f"{len(judged)} combinations, with decile spreads, differences of two scores and portfolios, {outside} are "
        f"outside; of a test of exactly {LEVEL:.0%} {chance * len(judged):.1f} would be, by chance."
    )


def _table(cells: dict[Cell, float], by: Sequence[str], **only: object) -> str:
    """Return a table with a row per combination of ``by`` and a column per horizon: means over what is left."""
    rows: dict[tuple[object, ...], dict[int, list[float]]] = {}
    for cell, size in cells.items():
        if all(getattr(cell, name) == value for name, value in only.items()):
            row = rows.setdefault(tuple(getattr(cell, name) for name in by), {})
            row.setdefault(cell.horizon, []).append(size)
    head = [*by, *(f"h = {horizon}" for horizon in HORIZONS)]
    return table(
        head, ([*key, *_percent(row)] for key, row in sorted(rows.items(), key=lambda item: item[0]))
    )


def _percent(row: dict[int, list[float]]) -> Iterable[str]:
    return (f"{100 * np.mean(row[h]):.1f}" if h in row else "-" for h in HORIZONS)


def main() -> None:
    """Count rejections and write the page and its figures."""
    parser = options(__doc__ or "")
    parser.add_argument("--markets", type=int, help=f"markets of each kind (default: {MARKETS})")
    arguments: argparse.Namespace = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    prepare_process()
    markets = arguments.markets or (QUICK_MARKETS if arguments.quick else MARKETS)
    total = gather(arguments.scratch, markets, arguments.fresh)
    rows = [
        [*cell, total[cell, "rejected"], n] for (cell, what), n in sorted(total.items()) if what == "tests"
    ]
    name = arguments.scratch / "quick-size.json" if arguments.quick else HERE / "size.json"
    lines = ",\n".join(json.dumps(row) for row in rows)
    columns = json.dumps([*Cell._fields, "rejected", "tests"])
    name.write_text(f'{{"columns": {columns}, "rows": [\n{lines}\n]}}\n', encoding="utf-8")
    publish(HERE / "size.md", pages(total, markets), arguments)


if __name__ == "__main__":
    main()
