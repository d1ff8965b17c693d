"""Appending 1, 5 and 20 sessions after histories of four lengths.

One simulated market; the histories end on the same day and are 1, 2, 4 and 8 times as long, so the days appended are
the same. Rounds go over the histories in turn. Beside it stands the build of each history from all its bars.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import writer
from bench import HERE, Kept, child, command, machine, median, options, publish, say, table

STOCKS, HISTORIES = 1000, (500, 1000, 2000, 4000)
QUICK_STOCKS, QUICK_HISTORIES = 100, (500, 600, 700, 800)
COUNTS = (1, 5, 20)
ROUNDS = 3
ROUND = 1 + sum(COUNTS)  # the first session of a round warms the process up


def split(frame: pl.DataFrame, folder: Path) -> list[list[Path]]:
    """Write the bars of every append; return the files of each round, in order."""
    days = frame["date"].unique().sort().to_list()[-ROUND * ROUNDS :]
    rounds, begin = [], 0
    for n in range(ROUNDS):
        files = []
        for place, count in enumerate((1, *COUNTS)):
            path = folder / f"new-{n}-{place}.parquet"
            frame.filter(pl.col("date").is_in(days[begin : begin + count])).write_parquet(path)
            files.append(path)
            begin += count
        rounds.append(files)
    return rounds


def measure(scratch: Path, stocks: int, histories: tuple[int, ...]) -> dict[str, Any]:
    """Build every history, then append to all of them round by round; seconds."""
    sessions = max(histories) + ROUND * ROUNDS
    market = scratch / f"append-{stocks}x{sessions}"
    if not (market / "delistings.parquet").exists():
        say(f"simulating {stocks} stocks x {sessions} sessions")
        child("simulated.py", "simulate", market, stocks, sessions, 0, writer.LISTED_LATER, writer.DELISTED)
    frame = pl.read_parquet(market / "frame.parquet")
    days = frame["date"].unique().sort().to_list()
    rounds = split(frame, market)
    runs = scratch / "append-runs"
    shutil.rmtree(runs, ignore_errors=True)
    builds = []
    for history in histories:
        say(f"building {history} sessions")
        bars = market / f"held-{history}.parquet"
        held = days[-ROUND * ROUNDS - history : -ROUND * ROUNDS]
        frame.filter(pl.col("date").is_in(held)).write_parquet(bars)
        done = command(
            "build", "--name", "r", "--bars", bars, "--set", f"run.folder={runs / str(history)}", "--quiet"
        )
        if done["code"]:
            raise RuntimeError(done["said"])
        record = runs / str(history) / "r" / "stages" / "build.json"
        builds.append(json.loads(record.read_text(encoding="utf-8"))["seconds"])
    seconds: dict[str, list[list[float]]] = {str(history): [] for history in histories}
    for n, files in enumerate(rounds):
        for history in histories:
            say(f"round {n + 1}: {history} sessions")
            seconds[str(history)].append(child("append_days.py", runs / str(history), *files)["seconds"])
    shutil.rmtree(runs)
    return {"builds": builds, "seconds": seconds}


def main() -> None:
    """Measure and write the page."""
    arguments = options(__doc__ or "").parse_args()
    stocks, histories = (QUICK_STOCKS, QUICK_HISTORIES) if arguments.quick else (STOCKS, HISTORIES)
    kept = Kept(arguments.scratch, arguments.fresh)
    question = {"what": "append", "stocks": stocks, "histories": histories}
    result = kept.get(question, lambda: measure(arguments.scratch, stocks, histories))
    rows = []
    first: float | None = None
    for history, build in zip(histories, result["builds"], strict=True):
        rounds = result["seconds"][str(history)]
        each = [median(seconds[place] for seconds in rounds) for place in range(len(COUNTS))]
        first = first or each[0]
        shown = (f"{value:.2f}" for value in each)
        rows.append(
            [f"{history:,}", *shown, f"{each[0] / first:.2f}", f"{build:.1f}", f"{build / each[0]:.0f}"]
        )
    head = (
        "sessions held",
        *(f"append {n}, s" for n in COUNTS),
        "append 1, of the first",
        "build, s",
        "build / append 1",
    )
    parts = [
        "# Appending sessions",
        f"{stocks:,} stocks of the simulated market, the features of `core`, 8 targets. The histories end on the same "
        f"day, so the same days are appended to each. Medians of {ROUNDS} rounds over all histories; a round appends "
        "one session that is not counted, then 1, 5 and 20. Builds and appends are timed "
        "inside the process, kernels compiled and loaded for appends, compiled only for builds. "
        "`python benchmarks/append.py`",
        table(head, rows),
        "What one session costs whatever the history: validation of its bars, the grids of the longest window before "
        "it, features of the session, labels of the sessions whose future it completes, digests, and the sync of new "
        "files.",
        f"Machine: {machine()}",
    ]
    publish(HERE / "append.md", parts, arguments)


if __name__ == "__main__":
    main()
