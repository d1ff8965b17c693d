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
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from bench import HERE, REPOSITORY, machine, options, publish, say, table
from scipy.stats import binom
from size_markets import (
    COSINES,
    DEFLATED,
    DISCOVERY,
    HORIZONS,
    KINDS,
    LEVEL,
    METHODS,
    PROBABILISTIC,
    SEED,
    SUPERIOR,
    Cell,
    chunk,
    has_arch,
)

from gogooku3.config.process import prepare_process

MARKETS, QUICK_MARKETS, CHUNK = 1000, 40, 20
MAIN_LENGTH, LOW, HIGH = 750, 0.03, 0.07
SOURCES = (
    "bootstrap.py",
    "significance.py",
    "many_tries/deflated_sharpe.py",
    "many_tries/false_discovery.py",
    "many_tries/noise_market.py",
    "many_tries/probabilistic_sharpe.py",
    "many_tries/sharpe_ratio.py",
    "many_tries/superior.py",
    "many_tries/trial_set.py",
)

VARIANTS_NOTE = """\
The interval is the percentiles of the resampled means, stretched around their centre by the quantile of Student's t
with the stated degrees of freedom over the normal one and by 1 / sqrt(1 - 2b/T); with overlap also by the share of the
long-run variance of fully overlapping values that the resampling's weights miss. Blocks are b = 2h, or T^(1/3) where
that is longer. An estimate with weights exp(-k/b) has T/b degrees of freedom: 2 over its squared coefficient of
variation, 2b/T. A series of fewer than four blocks has no interval."""


SHARPE_NOTE = """\
A test rejects where the probability that the true ratio is above 0 is above 95 %; by the variance of independent
returns, and by the long-run variance, which the report shows."""

FAMILY_NOTE = """\
The portfolios and RankIC of all four scores at all four horizons. Deflated: the best of the portfolios shows more than
the best of as many useless ones would, with 95 %. False discovery: any of the adjusted p-values is at most 5 %; such
findings are all false."""

SUPERIOR_NOTE = """\
Whether the best of the three scores that persist has a larger RankIC than the one that does not."""


def gather(scratch: Path, markets: int, fresh: bool) -> Counter[tuple[Cell, str]]:
    """Return all rejections and tests, computing the chunks that are not kept."""
    folder = scratch / "size" / digest()
    folder.mkdir(parents=True, exist_ok=True)
    total: Counter[tuple[Cell, str]] = Counter()
    for first in range(0, markets, CHUNK):
        for kind in KINDS:
            path = folder / f"{kind}-{first}.json"
            if fresh or not _complete(path):
                partial = path.with_suffix(".partial")
                partial.write_text(json.dumps(chunk(kind, first, CHUNK)), encoding="utf-8")
                partial.replace(path)
                say(f"{kind}: {first + CHUNK} of {markets} markets")
            for text, (rejected, tests) in json.loads(path.read_text(encoding="utf-8")).items():
                cell = Cell(*json.loads(text))
                total[cell, "rejected"] += rejected
                total[cell, "tests"] += tests
    return total


def _complete(path: Path) -> bool:
    """Tell whether a chunk is there; one made without ``arch`` is made again where there is ``arch``."""
    return path.exists() and (not has_arch() or SUPERIOR in path.read_text(encoding="utf-8"))


def digest() -> str:
    """Return a digest of the code that decides a chunk."""
    sources = [REPOSITORY / "src/gogooku3/evaluation" / name for name in SOURCES]
    found = hashlib.sha256()
    for path in [*sources, REPOSITORY / "src/gogooku3/ranks.py", HERE / "size_markets.py"]:
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

    def named(names: Iterable[str]) -> dict[Cell, float]:
        wanted = set(names)
        return {cell: size for cell, size in cells.items() if cell.method in wanted}

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
        "## Sharpe ratios of the portfolios, one-sided at 5 %, mean of both kinds",
        SHARPE_NOTE,
        _table(named(PROBABILISTIC.values()), by),
        "## Sixteen portfolios and sixteen tests at once, mean of both kinds",
        FAMILY_NOTE,
        _table(named([*DEFLATED.values(), *DISCOVERY]), by, horizons=(0,)),
        "## Superior predictive ability, mean of both kinds",
        SUPERIOR_NOTE,
        _table(named([SUPERIOR]), by) if named([SUPERIOR]) else "Not tested: the package `arch` is absent.",
        "## Variants of the bootstrap, mean of both kinds",
        VARIANTS_NOTE,
        _table(variants, by),
        f"{machine()} {commit()}",
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


def _table(
    cells: dict[Cell, float], by: Sequence[str], *, horizons: Sequence[int] = HORIZONS, **only: object
) -> str:
    """Return a table with a row per combination of ``by`` and a column per horizon: means over what is left."""
    rows: dict[tuple[object, ...], dict[int, list[float]]] = {}
    for cell, size in cells.items():
        if all(getattr(cell, name) == value for name, value in only.items()):
            row = rows.setdefault(tuple(getattr(cell, name) for name in by), {})
            row.setdefault(cell.horizon, []).append(size)
    head = [*by, *(f"h = {horizon}" if horizon else "together" for horizon in horizons)]
    return table(
        head,
        ([*key, *_percent(row, horizons)] for key, row in sorted(rows.items(), key=lambda item: item[0])),
    )


def _percent(row: dict[int, list[float]], horizons: Sequence[int]) -> Iterable[str]:
    return (f"{100 * np.mean(row[h]):.1f}" if h in row else "-" for h in horizons)


def commit() -> str:
    """Return the commit that counted, and whether the counting code differs from it."""
    git = ["git", "-C", str(REPOSITORY)]
    paths = ["src/gogooku3/evaluation", "src/gogooku3/ranks.py", "benchmarks"]
    found = subprocess.run(
        [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", *paths], check=False).returncode
    if found.returncode:
        return "The commit is not known."
    return f"Commit {found.stdout.strip()}{', changed since' if changed else ''}."


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
