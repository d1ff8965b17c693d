"""How time, memory and file size grow with stocks, sessions and features; what the listed world would take.

Panels are built from simulated bars in processes of their own, one size varied and the others held. Slopes are those of
least squares through the logarithms. Writes the tables of docs/scale.md.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import writer
from bench import MIB, REPOSITORY, Kept, child, machine, median, options, say, table

AXES = {
    "stocks": (500, 1000, 2000, 4000),
    "sessions": (500, 1000, 2000, 4000),
    "features": (18, 37, 74, 148),
}
QUICK_AXES = {"stocks": (50, 100, 200, 400), "sessions": (300, 400, 500, 600), "features": (18, 37, 74, 148)}
CENTRE = {"stocks": 1000, "sessions": 1000, "features": 74}
QUICK_CENTRE = {"stocks": 100, "sessions": 400, "features": 74}
WORLD = {"stocks": 60_000, "sessions": 25 * 250, "features": 112}
MEASURES = {"total": "seconds", "memory": "memory, MiB", "bytes": "files, MiB"}
REPEATS = 3
LIMITED = {"limit": 1024, "stocks": 60_000, "sessions": 180, "features": 112}
QUICK_LIMITED = {"limit": 1024, "stocks": 60_000, "sessions": 45, "features": 112}
PAGE = REPOSITORY / "docs" / "scale.md"
BEGIN, END = (
    "<!-- begin: written by benchmarks/growth.py -->",
    "<!-- end: written by benchmarks/growth.py -->",
)

Sizes = Mapping[str, int]


def measure(scratch: Path, sizes: Sizes, repeat: int, kept: Kept) -> dict[str, float]:
    """Build one panel and return seconds, peak memory beyond that of an idle process, and bytes of files."""
    folder = scratch / "growth" / f"{sizes['stocks']}x{sizes['sessions']}"

    def build() -> dict[str, Any]:
        say(f"repeat {repeat + 1}: {dict(sizes)}")
        if not (folder / "delistings.parquet").exists():
            child(
                "simulated.py",
                "simulate",
                folder,
                sizes["stocks"],
                sizes["sessions"],
                writer.SEED,
                writer.LISTED_LATER,
                writer.DELISTED,
            )
        shutil.rmtree(folder / "panel", ignore_errors=True)
        made = child("simulated.py", "build", folder, folder / "panel", sizes["features"])
        shutil.rmtree(folder / "panel")
        return made

    made = kept.get({"what": "growth", **sizes, "repeat": repeat}, build)
    memory = made["peak_anonymous"] - made["start_anonymous"]
    return {"total": made["total"], "memory": memory, "bytes": made["bytes"], "rows": made["rows"]}


def grow(
    scratch: Path, axes: Mapping[str, tuple[int, ...]], centre: Sizes, kept: Kept
) -> dict[str, list[dict[str, float]]]:
    """Return the medians at each size of each axis; repeats go round over all sizes."""
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for repeat in range(REPEATS):
        for axis, values in axes.items():
            for value in values:
                sizes = {**centre, axis: value}
                found.setdefault((axis, value), []).append(measure(scratch, sizes, repeat, kept))
    return {
        axis: [
            {
                "size": value,
                **{key: median(run[key] for run in found[axis, value]) for key in found[axis, value][0]},
            }
            for value in values
        ]
        for axis, values in axes.items()
    }


def slope(points: list[dict[str, float]], key: str) -> float:
    """Return the least-squares slope of log measure against log size."""
    x = np.log([point["size"] for point in points])
    return float(np.polyfit(x, np.log([point[key] for point in points]), 1)[0])


def predict(grown: Mapping[str, list[dict[str, float]]], centre: Sizes, sizes: Sizes, key: str) -> float:
    """Carry a measure from the centre to other sizes along the three slopes."""
    middle = [
        point[key] for axis, points in grown.items() for point in points if point["size"] == centre[axis]
    ]
    value = median(middle)
    for axis, points in grown.items():
        value *= (sizes[axis] / centre[axis]) ** slope(points, key)
    return value


def axis_table(axis: str, points: list[dict[str, float]]) -> str:
    """Return the table of one axis, with its slopes below."""
    rows = [
        [
            f"{p['size']:,.0f}",
            f"{p['rows']:,.0f}",
            f"{p['total']:.1f}",
            f"{p['memory'] / MIB:.0f}",
            f"{p['bytes'] / MIB:.0f}",
        ]
        for p in points
    ]
    slopes = ["slope", "", *(f"**{slope(points, key):.2f}**" for key in MEASURES)]
    return table((axis, "rows", *MEASURES.values()), [*rows, slopes])


def duration(seconds: float) -> str:
    """Return seconds as text."""
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 3600:.1f} h"


def foretold(grown: Mapping[str, list[dict[str, float]]], centre: Sizes, big: dict[str, Any]) -> str:
    """Return what the slopes say of the panel of writer.py, which is measured, and of the listed world."""
    sizes = {key: big[key] for key in centre}
    memory = big["peak_anonymous"] - big["start_anonymous"]
    rows = [
        [
            f"{sizes['stocks']:,} x {sizes['sessions']:,} x {sizes['features']}, measured",
            duration(big["total"]),
            f"{memory / 2**30:.1f}",
            f"{big['bytes'] / 2**30:.1f}",
        ]
    ]
    for what, place in (
        ("the same, from the slopes", sizes),
        ("60,000 stocks x 25 years x 112, from the slopes", WORLD),
    ):
        values = {key: predict(grown, centre, place, key) for key in MEASURES}
        rows.append(
            [
                what,
                duration(values["total"]),
                f"{values['memory'] / 2**30:.1f}",
                f"{values['bytes'] / 2**30:,.1f}",
            ]
        )
    return table(("panel", "time", "memory at once, GiB", "files, GiB"), rows)


def limited(scratch: Path, sizes: Sizes, kept: Kept) -> dict[str, Any]:
    """Write and stream a panel under a memory limit."""

    def run() -> dict[str, Any]:
        say(f"under a limit: {dict(sizes)}")
        folder = scratch / "limited"
        made = child(
            "out_of_core.py", folder, *(sizes[key] for key in ("limit", "stocks", "sessions", "features"))
        )
        shutil.rmtree(folder)
        return made

    result: dict[str, Any] = kept.get({"what": "limited", **sizes}, run)
    if not (result["refused"] and result["same"]):
        raise RuntimeError(f"the limit does not hold, or values differ: {result}")
    return result


def limited_text(sizes: Sizes, result: dict[str, Any]) -> str:
    """Say what was shown under the limit."""
    size, limit = result["bytes"] / 2**30, result["limit"] / 2**30
    longer = WORLD["sessions"] / sizes["sessions"]
    return (
        f"A process whose memory was limited to {limit:.1f} GiB (RLIMIT_DATA; a request beyond it was refused) wrote "
        f"a random panel of {sizes['stocks']:,} stocks x {sizes['sessions']:,} sessions x {sizes['features']} features "
        f"({result['rows']:,} rows, {result['segments']} segments, {size:.1f} GiB: {size / limit:.1f} times the "
        f"limit) in {result['write']:.0f} s, and streamed all of it, with first-use checks and the mean of every "
        f"feature, in {result['stream']:.0f} s. It held {result['anonymous'] / 2**30:.2f} GiB for itself at most; sums "
        "and counts were those of what was written, bit for bit. At these rates the listed world, "
        f"{longer:.0f} times as many sessions of the same width, is written in {duration(result['write'] * longer)} "
        f"and streamed in {duration(result['stream'] * longer)}, its features computed beforehand."
    )


def place_between(page: str, text: str) -> str:
    """Replace what stands between the markers."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{text.strip()}\n\n{END}{tail}"


def publish(text: str, arguments: argparse.Namespace) -> None:
    """Write the tables into the page, in a quick run into a copy."""
    page = place_between(PAGE.read_text(encoding="utf-8"), text)
    path = arguments.scratch / "quick-scale.md" if arguments.quick else PAGE
    path.write_text(page, encoding="utf-8")
    print(text)
    say(f"written: {path.name}")


def main() -> None:
    """Measure and write."""
    arguments = options(__doc__ or "").parse_args()
    kept = Kept(arguments.scratch, arguments.fresh)
    axes, centre = (QUICK_AXES, QUICK_CENTRE) if arguments.quick else (AXES, CENTRE)
    bounds = QUICK_LIMITED if arguments.quick else LIMITED
    writer.warm(arguments.scratch)
    grown = grow(arguments.scratch, axes, centre, kept)
    _, big = writer.make(arguments.scratch, arguments.quick, kept)
    held = ", ".join(f"{value:,} {axis}" for axis, value in centre.items())
    parts = [
        f"One size varied, the others held at {held}. Median of {REPEATS} runs, each a process of its own that reads "
        "bars, validates them, computes features and labels and writes the panel; memory is the peak of what the "
        "process holds for itself beyond what it held before the first bar.",
        *(axis_table(axis, points) for axis, points in grown.items()),
        "### Beyond what was measured",
        "The slopes carry the run at the centre to other sizes; a power law is crude, so they are first tried on a "
        "panel that was measured.",
        foretold(grown, centre, big),
        "### More than memory holds",
        limited_text(bounds, limited(arguments.scratch, bounds, kept)),
        f"Machine: {machine()} `python benchmarks/growth.py`",
    ]
    publish("\n\n".join(parts), arguments)


if __name__ == "__main__":
    main()
