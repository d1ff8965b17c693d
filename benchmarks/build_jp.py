"""`gogooku3 build` of all of jp_tse with the core set: wall seconds and memory of the command."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from bench import HERE, REPOSITORY, Kept, command, machine, median, options, publish, say, table, verdict

from gogooku3.panel.open import open_panel

DATA = REPOSITORY.parent / "shared" / "data" / "jp_tse"
GOAL_SECONDS, GOAL_GIB = 90.0, 8.0
REPEATS = 3


def main() -> None:
    """Measure and write the page; without the bars, say so and leave the page alone."""
    arguments = options(__doc__ or "").parse_args()
    bars, listing = DATA / "prices_2013_2023.parquet", DATA / "listing.csv"
    if not bars.exists():
        say("skipped: the bars of jp_tse are not there (../shared/data/jp_tse beside the repository)")
        sys.exit(0)
    kept = Kept(arguments.scratch, arguments.fresh)
    folder = arguments.scratch / "jp"
    shape: list[int] = []

    def build(repeat: int) -> dict[str, Any]:
        say(f"build {repeat + 1}")
        shutil.rmtree(folder, ignore_errors=True)
        given = ("--bars", bars, "--listing", listing, "--set", f"run.folder={folder}")
        done = command("build", "--name", "jp", *given, "--quiet")
        if done["code"]:
            raise RuntimeError(done["said"])
        panel = open_panel(folder / "jp" / "panel")
        size = sum(path.stat().st_size for path in (folder / "jp" / "panel").rglob("*") if path.is_file())
        shape[:] = [len(panel.sessions), len(panel.codes), len(panel.feature_names), int(panel.present.sum())]
        return {key: done[key] for key in ("seconds", "resident", "anonymous")} | {
            "shape": shape,
            "bytes": size,
        }

    repeats = 1 if arguments.quick else REPEATS
    runs = [kept.get({"what": "build_jp", "repeat": n}, lambda n=n: build(n)) for n in range(repeats)]
    shutil.rmtree(folder, ignore_errors=True)
    seconds = median(run["seconds"] for run in runs)
    gib = max(run["resident"] for run in runs) / 2**30
    held = max(run["anonymous"] for run in runs) / 2**30
    sessions, stocks, features, rows = runs[0]["shape"]
    each = ", ".join(f"{run['seconds']:.0f}" for run in runs)
    goals = [
        ("seconds", f"{seconds:.0f}", f"{GOAL_SECONDS:.0f}", verdict(seconds, GOAL_SECONDS, at_most=True)),
        ("peak resident memory, GiB", f"{gib:.1f}", f"{GOAL_GIB:.0f}", verdict(gib, GOAL_GIB, at_most=True)),
    ]
    parts = [
        "# Building jp_tse",
        f"`gogooku3 build` of all of jp_tse: {rows:,} bars, {stocks:,} codes x {sessions:,} sessions, the {features} "
        f"features of `core`, 8 targets; the panel takes {runs[0]['bytes'] / 2**30:.1f} GiB. The command as a user "
        f"runs it, Python's start included; seconds are the median of {repeats} runs ({each}), memory the largest. "
        "`python benchmarks/build_jp.py`",
        table(("what", "measured", "goal", ""), goals),
        f"Of the memory {held:.1f} GiB are the process's own, the rest mapped files.",
        f"Machine: {machine()}",
    ]
    publish(HERE / "build_jp.md", parts, arguments)


if __name__ == "__main__":
    main()
