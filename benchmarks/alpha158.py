"""All of alpha158 on 300 stocks x 1,500 sessions, beside polars expressions and, with pyqlib, Qlib itself.

What counts is the time from a market's grids in memory to float32 [sessions, stocks, 157], on two cores. Polars
computes the 122 features that it has expressions for, from a sorted table in memory. Qlib runs in a process of its own,
under this Python or the one of --qlib-python; its values are compared too.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import sys
from typing import Any

import alpha158_polars
import numpy as np
import polars as pl
from bench import HERE, child, interleaved, machine, median, options, publish, ratio, say, table, verdict

from gogooku3.config.process import prepare_process
from gogooku3.features.alpha158 import alpha158
from gogooku3.features.compute import FeatureStream
from gogooku3.features.fields import base_fields
from gogooku3.market.assemble import assemble
from gogooku3.market.market import Market
from gogooku3.market.settings import MarketSettings
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import simulate

STOCKS, SESSIONS = 300, 1500
GOAL_SECONDS = 4.5
REPEATS, BLOCK = 7, 100
APART = 1e-6
PRICES = ("open", "high", "low", "close")


def simulated(stocks: int, sessions: int) -> Market:
    """Return the simulated market."""
    bars = simulate(SimulationSettings(stocks=stocks, sessions=sessions)).bars
    return assemble(bars, MarketSettings())[0]


def small_market() -> Market:
    """Return the market that kernels are compiled on."""
    return simulated(20, 100)


def compute_all(market: Market) -> np.ndarray:
    """Compute the set block by block, as a build does; float32 [D, N, 157]."""
    features = alpha158()
    total = len(market.sessions)
    out = np.empty((total, len(market.codes), len(features.exported)), dtype=np.float32)
    stream = FeatureStream(features, base_fields(market, market.present))
    for start in range(0, total, BLOCK):
        stop = min(start + BLOCK, total)
        out[start:stop] = stream.block(start, stop)
    return out


def adjusted(market: Market) -> dict[str, np.ndarray]:
    """Return the grids that Qlib's formulas name."""
    grids = {name: getattr(market, name) * market.factor for name in PRICES}
    return grids | {"volume": market.volume / market.factor}


def bars_table(market: Market) -> pl.DataFrame:
    """Return the bars as a table, sorted by stock and session."""
    stock, session = np.nonzero(market.present.T)
    columns = {name: grid[session, stock] for name, grid in adjusted(market).items()}
    return pl.DataFrame({"code": stock, "session": session, **columns})


def full_windows(market: Market, name: str) -> np.ndarray:
    """Where a stock has a linked bar with volume on every session that any formula of this window reads."""
    sessions = int((re.findall(r"(?<=[A-Z])\d+$", name) or ["0"])[0]) + 1
    usable = (market.volume > 0) & ~market.broken
    views = np.lib.stride_tricks.sliding_window_view(usable, sessions, axis=0)
    full = np.zeros(usable.shape, dtype=bool)
    full[sessions - 1 :] = views.all(axis=-1)
    return full


def differences(market: Market, ours: np.ndarray, theirs: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Compare on full windows; for each family, differences relative to values above 1, else absolute."""
    found: dict[str, list[float]] = {}
    for column, name in enumerate(alpha158().exported):
        if name in theirs:
            full = full_windows(market, name)
            mine, other = ours[..., column][full].astype(np.float64), theirs[name][full]
            gap = np.abs(mine - other) / np.maximum(1.0, np.abs(other))
            if (np.isnan(mine) != np.isnan(other)).any():
                gap = np.append(gap, np.inf)
            found.setdefault(re.sub(r"(?<=[A-Z])(5|10|20|30|60)$", "", name), []).extend(gap[~np.isnan(gap)])
    return found


def polars_values(market: Market, made: pl.DataFrame) -> dict[str, np.ndarray]:
    """Lay polars' columns out as grids."""
    where = (made["session"].to_numpy(), made["code"].to_numpy())
    grids = {}
    for name in made.columns[2:]:
        grids[name] = np.full(market.close.shape, np.nan)
        grids[name][where] = made[name].to_numpy()
    return grids


def run_qlib(
    market: Market, arguments: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Time Qlib and take its values; None where there is no pyqlib."""
    python = arguments.qlib_python or (sys.executable if importlib.util.find_spec("qlib") else None)
    if python is None:
        return None
    folder = arguments.scratch / "alpha158"
    folder.mkdir(parents=True, exist_ok=True)
    grids, out = folder / "grids.npz", folder / "values.npz"
    np.savez(grids, sessions=market.sessions, **adjusted(market))
    say("Qlib's seconds")
    timed = [child("alpha158_qlib.py", "time", grids, python=python) for _ in range(arguments.qlib_repeats)]
    say("Qlib's values")
    child("alpha158_qlib.py", "values", grids, out, python=python)
    with np.load(out) as file:
        values = dict(zip(file["names"].tolist(), file["values"], strict=True))
    shutil.rmtree(folder)
    best: dict[str, Any] = min(timed, key=lambda answer: float(answer["seconds"]))
    return best, values


def speed(times: dict[str, list[float]], rival: dict[str, Any] | None) -> str:
    """Return the table of seconds."""
    ours = times["ours"]
    rows = [
        ["gogooku3 alpha158", "157", f"{min(ours):.2f}", f"{median(ours):.2f}", "1"],
        [
            "polars expressions",
            "122",
            f"{min(times['polars']):.2f}",
            f"{median(times['polars']):.2f}",
            f"{ratio(times['polars'], ours):.1f}",
        ],
    ]
    if rival:
        taken = rival["seconds"]
        name = f"Qlib {rival['versions']['pyqlib']} (pandas {rival['versions']['pandas']}), 2 processes"
        rows.append([name, "157", f"{taken:.1f}", "", f"{taken / median(ours):.0f}"])
    return table(["", "features", "best, s", "median, s", "times alpha158"], rows)


def agreement(found: dict[str, dict[str, list[float]]]) -> str:
    """Return the table of differences."""
    rows = []
    for family in dict.fromkeys(name for gaps in found.values() for name in gaps):
        cells = [family]
        for gaps in found.values():
            values = np.array(gaps.get(family, []))
            apart = f"{int((values > APART).sum())} of {len(values)}"
            cells += [f"{np.median(values):.0e}", f"{values.max():.0e}", apart] if len(values) else [""] * 3
        rows.append(cells)
    head = [f"{who}, {what}" for who in found for what in ("median", "largest", f"beyond {APART:.0e}")]
    return table(["family", *head], rows)


def main() -> None:
    """Measure and write the page."""
    parser = options(__doc__ or "")
    parser.add_argument("--qlib-python", help="a Python with pyqlib (default: this one, if it has it)")
    parser.add_argument("--qlib-repeats", type=int, default=2, help="how often Qlib is timed")
    arguments = parser.parse_args()
    prepare_process()  # as the command line does: threads that wait sleep
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # numba, polars and children take two cores
    stocks, sessions = (60, 300) if arguments.quick else (STOCKS, SESSIONS)
    cache = arguments.scratch / "alpha158-cache"
    shutil.rmtree(cache, ignore_errors=True)
    say("compiling into an empty cache")
    cold, warm = child("alpha158_first.py", cache), child("alpha158_first.py", cache)
    shutil.rmtree(cache)
    say("simulating")
    market = simulated(stocks, sessions)
    bars = bars_table(market)
    say("timing")
    times = interleaved(
        {"ours": lambda _: compute_all(market), "polars": lambda _: alpha158_polars.table(bars)}, REPEATS
    )
    rival = run_qlib(market, arguments)
    ours = compute_all(market)
    others = {"polars": polars_values(market, alpha158_polars.table(bars))} | (
        {"Qlib": rival[1]} if rival else {}
    )
    found = {who: differences(market, ours, theirs) for who, theirs in others.items()}
    best = min(times["ours"])
    publish(
        HERE / "alpha158.md",
        (
            f"# alpha158: {stocks} stocks x {sessions:,} sessions",
            f"`python benchmarks/alpha158.py`. {' '.join((__doc__ or '').split())}",
            speed(times, rival[0] if rival else None),
            f"Goal, under {GOAL_SECONDS} s: {best:.2f} s, {verdict(best, GOAL_SECONDS, at_most=True)}. "
            f"{REPEATS} rounds, gogooku3 and polars in turn after one round that is not counted; the last column is "
            "the median of the ratios within a round"
            + (
                f", for Qlib its best of {arguments.qlib_repeats} over the median."
                if rival
                else "; pyqlib was absent."
            ),
            f"Compiling is not in these seconds: the first call in a process takes {cold['first']:.1f} s with an empty "
            f"cache of compiled kernels, {warm['first']:.1f} s with a filled one, and imports {warm['import']:.1f} s.",
            "## Values",
            "Differences from the same formulas elsewhere, on windows without gaps or sessions without volume: "
            "absolute, or relative to values above 1. Ours are stored as float32, which alone is 6e-8. CORR reads "
            "`Log($volume+1)` as the log of volume (docs of `alpha158`), polars and Qlib add the 1. "
            "Prices that a split leaves equal are equal here (RANK, IMAX, IMIN, IMXD); adjusted prices in float64 "
            "tell some of them apart by 1e-16.",
            agreement(found),
            f"Machine: {machine()}",
        ),
        arguments,
    )


if __name__ == "__main__":
    main()
