"""The panel of 8.9 million rows by 112 features: seconds and memory to build and write it, and to open it.

A simulated market of 4,484 stocks, of which three in ten are listed later and two in ten end early, is made in one
process and stored as bars. A second process reads those bars, validates them, computes the first 112 features of
``core`` and the labels, and writes the panel; its seconds and memory are what counts.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from bench import HERE, MIB, Kept, child, machine, median, options, publish, say, table, verdict

SIZES = {"stocks": 4484, "sessions": 2475, "features": 112}
QUICK = {"stocks": 300, "sessions": 600, "features": 112}
SEED, LISTED_LATER, DELISTED = 0, 0.3, 0.2
GOAL_SECONDS, GOAL_GIB, GOAL_OPEN = 240.0, 6.0, 0.1


def make(scratch: Path, quick: bool, kept: Kept) -> tuple[Path, dict[str, Any]]:
    """Return the panel's folder and how long it took; what is there is taken."""
    sizes = QUICK if quick else SIZES
    folder = scratch / f"market-{sizes['stocks']}x{sizes['sessions']}"
    panel = folder / "panel"
    market = (sizes["stocks"], sizes["sessions"], SEED, LISTED_LATER, DELISTED)

    def simulate() -> dict[str, Any]:
        say(f"simulating {sizes['stocks']} stocks x {sizes['sessions']} sessions")
        return child("simulated.py", "simulate", folder, *market)

    def build() -> dict[str, Any]:
        say("building the panel")
        shutil.rmtree(panel, ignore_errors=True)
        return child("simulated.py", "build", folder, panel, sizes["features"])

    if not (folder / "delistings.parquet").exists():
        simulate()
    question = {"what": "writer", "folder": str(panel), **sizes}
    result = kept.get(question, build)
    if not (panel / "manifest.json").exists():
        result = build()
    return panel, result


def warm(scratch: Path) -> None:
    """Let numba compile what it keeps on disk."""
    say("compiling kernels")
    small = scratch / "warm"
    if not (small / "delistings.parquet").exists():
        child("simulated.py", "simulate", small, 60, 400, SEED, LISTED_LATER, DELISTED)
    child("simulated.py", "build", small, small / "panel", SIZES["features"])


def main() -> None:
    """Measure and write the page."""
    parser = options(__doc__ or "")
    arguments = parser.parse_args()
    kept = Kept(arguments.scratch, arguments.fresh)
    warm(arguments.scratch)
    panel, result = make(arguments.scratch, arguments.quick, kept)
    opened = child("reader_open.py", panel, 9)
    publish(HERE / "writer.md", (*page(result, opened), f"Machine: {machine()}"), arguments)


def page(result: dict[str, Any], opened: dict[str, Any]) -> list[str]:
    """Return the parts of the page."""
    seconds = result["seconds"]
    total, gib = result["total"], result["peak_resident"] / 2**30
    again = median(opened["again"])
    goals = [
        (
            "bars to panel, seconds",
            f"{total:.0f}",
            f"{GOAL_SECONDS:.0f}",
            verdict(total, GOAL_SECONDS, at_most=True),
        ),
        ("peak resident memory, GiB", f"{gib:.1f}", f"{GOAL_GIB:.0f}", verdict(gib, GOAL_GIB, at_most=True)),
        ("open, ms", f"{again * 1e3:.0f}", f"{GOAL_OPEN * 1e3:.0f}", verdict(again, GOAL_OPEN, at_most=True)),
    ]
    names = {
        "read": "read bars",
        "assemble": "validate, lay out as grids",
        "universe": "universe",
        "panel": "features, labels, write with digests, sync",
    }
    return [
        "# Writing the panel",
        f"{result['rows']:,} rows (stock-days) x {result['features']} features: {result['stocks']:,} stocks x "
        f"{result['sessions']:,} sessions, {result['rows'] / result['cells']:.0%} of the grid, with 8 targets, their "
        f"ranks and 8 market fields; {result['segments']} segments, {result['bytes'] / 2**30:.1f} GiB. "
        "One process; the market was simulated before, in another. `python benchmarks/writer.py`",
        table(("what", "measured", "goal", ""), goals),
        table(("step", "seconds"), [(names[key], f"{value:.1f}") for key, value in seconds.items()]),
        f"Peak of anonymous memory alone: {result['peak_anonymous'] / MIB:,.0f} MiB, of it "
        f"{result['start_anonymous'] / MIB:,.0f} MiB before the first bar is read. Opening checks headers and sizes "
        f"of all files; the first opening in a new process took "
        f"{opened['first'] * 1e3:.0f} ms.",
    ]


if __name__ == "__main__":
    main()
