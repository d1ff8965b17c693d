"""Reading day blocks beside memcpy, and beside what others read the same windows with.

The panel is that of writer.py (8.9 million rows by 112 features). Every ratio is the median over rounds of two times
taken one after the other: copying as many bytes from ordinary memory (np.copyto, one thread, buffers reused, pages
warm) and the reading. Rivals run in processes of their own, each beside its own memcpy; those that are not installed
for this Python run under another: --datasets-python and --qlib-python.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from bench import (
    HERE,
    MIB,
    Kept,
    child,
    interleaved,
    machine,
    median,
    options,
    publish,
    ratio,
    say,
    table,
    verdict,
)
from writer import make

from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.panel.segment import Segment
from gogooku3.panel.writer import PanelWriter

PICKED, WINDOW, LONG = 2000, 60, 100
QUICK_PICKED = 130
HELD = 500  # sessions that memcpy and the rivals read from
REPEATS, WINDOWS = 21, 12
RIVALS = {
    "polars": ("Parquet, polars scan and filter", "polars"),
    "datasets": ("Hugging Face datasets, day rows", "datasets"),
    "qlib": ("Qlib TSDataSampler, a day's stocks as one batch", "qlib"),
}
EARLIER = {
    "qlib": "10 x memcpy measured earlier on another machine",
    "datasets": "3 to 10 x measured earlier",
    "polars": "41 x measured earlier",
}


def copies(panel: Panel, picked: int) -> tuple[list[list[str]], float]:
    """Time Panel.read beside memcpy; return rows of the table and milliseconds of the long block."""
    rng = np.random.default_rng(0)
    low = max(0, len(panel.sessions) - HELD)
    plain = panel.read(low, len(panel.sessions)).reshape(-1)
    everyone = np.arange(len(panel.codes))
    last = next(panel.blocks(len(panel.sessions) - 1))
    segment = len(panel.sessions) - len(last.segment.sessions)
    chosen = np.sort(rng.choice(last.stock, picked, replace=False))
    anywhere = np.sort(rng.choice(everyone, picked, replace=False))
    cases = [
        ("all stocks of a dense block", LONG, segment, last.stock, 0.9),
        ("all stocks of a dense block", WINDOW, segment, last.stock, 0.9),
        (f"{picked:,} of its stocks", LONG, segment, chosen, 0.5),
        (f"{picked:,} of its stocks", WINDOW, segment, chosen, 0.5),
        (f"all {len(everyone):,} stocks ever listed, NaN for the others", LONG, low, everyone, None),
        (f"{picked:,} of all ever listed, NaN for the others", WINDOW, low, anywhere, None),
    ]
    rows, shown = [], 0.0
    for what, days, first, stocks, goal in cases:
        seconds = _beside(panel, plain, low, (first, days), stocks)
        fraction = ratio(seconds["memcpy"], seconds["read"])
        milliseconds = median(seconds["read"]) * 1e3
        size = days * len(stocks) * len(panel.feature_names) * 4
        met = "" if goal is None else f"{goal:.1f}: {verdict(fraction, goal, at_most=False)}"
        rows.append(
            [
                what,
                days,
                f"{size / MIB:.0f}",
                f"{milliseconds:.1f}",
                f"{median(seconds['memcpy']) * 1e3:.1f}",
                f"{fraction:.2f}",
                met,
            ]
        )
        shown = shown or milliseconds
        say(f"{what}, {days} days: {fraction:.2f} of memcpy")
    return rows, shown


def _beside(
    panel: Panel, plain: np.ndarray, low: int, place: tuple[int, int], stocks: np.ndarray
) -> dict[str, list[float]]:
    first, days = place
    out = np.empty((days, len(stocks), len(panel.feature_names)), dtype=np.float32)
    day = len(panel.codes) * len(panel.feature_names)
    rng = np.random.default_rng(1)
    starts = rng.integers(first, len(panel.sessions) - days + 1, REPEATS + 2)

    def copy(k: int) -> None:
        begin = (int(starts[k]) - low) * day
        np.copyto(out.reshape(-1), plain[begin : begin + out.size])

    def read(k: int) -> None:
        panel.read(int(starts[k]), int(starts[k]) + days, stocks=stocks, out=out)

    return interleaved({"memcpy": copy, "read": read}, REPEATS, warm=2)


def first_use(path: Path) -> list[float]:
    """Return seconds to read one segment the first time, when its digest is checked, and the second time."""
    panel = open_panel(path)
    sessions = len(panel.segments[0].sessions)
    out = panel.read(0, sessions)
    panel = open_panel(path)
    seconds = interleaved({"read": lambda _: panel.read(0, sessions, out=out)}, 2, warm=0)["read"]
    return [*seconds, out.nbytes / MIB]


def windows(panel: Panel, folder: Path, picked: int) -> None:
    """Store the sessions that the rivals read, and the windows asked of all of them."""
    if (folder / "windows.npz").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(2)
    low = max(0, len(panel.sessions) - HELD)
    present = panel.present[low:]
    starts = rng.integers(0, len(present) - WINDOW + 1, WINDOWS)
    ends = starts + WINDOW - 1
    stocks = [np.sort(rng.choice(np.flatnonzero(present[end]), picked, replace=False)) for end in ends]
    features = panel.read(low, len(panel.sessions))
    features[~present] = np.nan
    np.save(folder / "features.npy", features)
    np.save(folder / "present.npy", present)
    np.savez(folder / "windows.npz", start=starts, length=WINDOW, stocks=np.array(stocks))


def own_windows(panel: Panel, folder: Path) -> dict[str, list[float]]:
    """Read the rivals' windows with Panel.read."""
    asked = np.load(folder / "windows.npz")
    starts, stocks, length = asked["start"], asked["stocks"], int(asked["length"])
    flat = np.load(folder / "features.npy").reshape(-1)
    low = max(0, len(panel.sessions) - HELD)
    day = len(panel.codes) * len(panel.feature_names)
    out = np.empty((length, stocks.shape[1], len(panel.feature_names)), dtype=np.float32)
    panel.read(low, len(panel.sessions))

    def copy(k: int) -> None:
        begin = int(starts[k]) * day
        np.copyto(out.reshape(-1), flat[begin : begin + out.size])

    def read(k: int) -> None:
        start = low + int(starts[k])
        panel.read(start, start + length, stocks=stocks[k], out=out)

    expected = flat.reshape(-1, len(panel.codes), len(panel.feature_names))
    read(0)
    np.testing.assert_array_equal(out, expected[starts[0] : starts[0] + length][:, stocks[0]])
    return interleaved({"memcpy": copy, "rival": read}, len(starts), warm=0)


def rival(name: str, folder: Path, python: str, kept: Kept) -> dict[str, Any]:
    """Time a rival, or say why not."""
    module = RIVALS[name][1]
    probe = subprocess.run([python, "-c", f"import {module}"], capture_output=True, text=True, check=False)
    if probe.returncode:
        return {"skipped": (probe.stderr.strip().splitlines() or ["it cannot be imported"])[-1]}
    say(f"rival: {name}")
    question = {"what": "rival", "name": name, "folder": str(folder), "python": python}
    answer: dict[str, Any] = kept.get(question, lambda: child("reader_rival.py", name, folder, python=python))
    return answer


def shorten(panel: Panel, folder: Path) -> Path:
    """Write the first quarter of the segments as a panel of its own."""
    count = max(1, len(panel.segments) // 4)
    if not (folder / "manifest.json").exists():
        stop = sum(len(segment.sessions) for segment in panel.segments[:count])
        with PanelWriter(folder, panel.axes, panel.stocks, {}) as writer:
            for block in panel.blocks(0, stop):
                names = ("sessions", "features", "present", "universe", "targets", "target_ranks")
                arrays = {name: getattr(block, name) for name in names}
                fields = {name: block.field(name) for name in panel.field_names}
                writer.add(Segment(codes=block.segment.codes, fields=fields, **arrays))
    return folder


def main() -> None:
    """Measure and write the page."""
    parser = options(__doc__ or "")
    parser.add_argument("--datasets-python", default=sys.executable, help="a Python that has `datasets`")
    parser.add_argument("--qlib-python", default=sys.executable, help="a Python that has `pyqlib`")
    arguments = parser.parse_args()
    kept = Kept(arguments.scratch, arguments.fresh)
    path, _ = make(arguments.scratch, arguments.quick, kept)
    panel = open_panel(path)
    picked = QUICK_PICKED if arguments.quick else PICKED
    rows, long_read = copies(panel, picked)
    folder = path.parent / "windows"
    if arguments.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    windows(panel, folder, picked)
    results = {"gogooku3": own_windows(panel, folder)}
    pythons = {"polars": sys.executable, "datasets": arguments.datasets_python, "qlib": arguments.qlib_python}
    results |= {name: rival(name, folder, python, kept) for name, python in pythons.items()}
    say("memory and history")
    days = 20
    streams = [
        child("reader_stream.py", place, days) for place in (shorten(panel, path.parent / "short"), path)
    ]
    opened = child("reader_open.py", path, 9)
    parts = [
        *_head(panel),
        _goals(long_read, median(opened["again"])),
        table(("read", "days", "MiB", "ms", "memcpy ms", "of memcpy", "goal"), rows),
        _first(first_use(path)),
        *_rivals(results, picked),
        *_streams(streams),
        f"Machine: {machine()}",
    ]
    publish(HERE / "reader.md", parts, arguments)


def _head(panel: Panel) -> list[str]:
    shape = f"{len(panel.codes):,} stocks x {len(panel.sessions):,} sessions x {len(panel.feature_names)} features"
    return [
        "# Reading the panel",
        f"{int(panel.present.sum()):,} rows, {shape}, float32, {len(panel.segments)} segments, from the simulated "
        "market. `of memcpy` is the speed of reading over that of copying as many bytes from ordinary memory "
        f"(np.copyto, one thread, warm pages, the same reused buffer): median of {REPEATS} interleaved rounds, windows "
        "drawn at random, segments already checked. `python benchmarks/reader.py`",
    ]


def _goals(long_read: float, opening: float) -> str:
    rows = [
        (
            f"{LONG} days of all stocks into a reused buffer, ms",
            f"{long_read:.1f}",
            "30",
            verdict(long_read, 30, at_most=True),
        ),
        ("open the panel, ms", f"{opening * 1e3:.0f}", "100", verdict(opening, 0.1, at_most=True)),
    ]
    return table(("what", "measured", "goal", ""), rows)


def _first(measured: list[float]) -> str:
    first, again, size = measured
    return (
        f"The first use of a segment checks the SHA-256 of its features: {size:.0f} MiB took {first * 1e3:.0f} ms "
        f"the first time and {again * 1e3:.0f} ms the second, files in the page cache."
    )


def _rivals(results: dict[str, dict[str, Any]], picked: int) -> list[str]:
    rows, notes = [], []
    for name, result in results.items():
        text = "gogooku3 Panel.read" if name == "gogooku3" else RIVALS[name][0]
        if "skipped" in result:
            rows.append([text, "-", "-", "-", f"skipped: {result['skipped']}; {EARLIER[name]}"])
            continue
        times = ratio(result["rival"], result["memcpy"])
        mine = times / ratio(results["gogooku3"]["rival"], results["gogooku3"]["memcpy"])
        note = "" if name == "gogooku3" else f"{result['version']}; prepared in {result['prepared']:.0f} s"
        rows.append([text, f"{median(result['rival']) * 1e3:.1f}", f"{times:.1f}", f"{mine:.1f}", note])
    notes.append(
        f"## The same windows, read by others\n\n{WINDOWS} windows of {WINDOW} days x {picked:,} stocks (those with a "
        f"bar on the last day) x all features from the last {HELD} sessions, materialised as one array; values are "
        "compared with the panel's before timing. Each in its own process beside its own memcpy of as many bytes. "
        "Parquet holds a row a stock-day, ordered by day, in row groups of ten days; datasets a row a day, "
        "memory-mapped; Qlib's sampler holds everything in memory and gives [stock, step, feature]."
    )
    head = ("reader", "ms a window", "x memcpy", "x gogooku3", "")
    return [*notes, table(head, rows)]


def _streams(streams: list[dict[str, Any]]) -> list[str]:
    rows = [
        (
            f"{s['sessions']:,}",
            f"{s['bytes'] / 2**30:.1f}",
            f"{s['anonymous'] / MIB:.0f}",
            f"{s['buffer'] / MIB:.0f}",
            f"{s['bytes'] / 2**30 / s['seconds']:.1f}",
        )
        for s in streams
    ]
    return [
        "## Memory and history\n\nA process streams all days in pieces of 20 into one buffer, with first-use checks. "
        "What it holds for itself (anonymous memory, peak) does not grow with the history; mapped pages of the files "
        "belong to the system, which takes them back when it needs them.",
        table(
            ("sessions", "panel, GiB", "held, MiB", "of it the buffer, MiB", "GiB of panel a second"), rows
        ),
    ]


if __name__ == "__main__":
    main()
