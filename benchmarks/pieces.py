"""Bars to panel in pieces, `gogooku3 build` and then `append`, under a memory limit that building at once breaks."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import writer
from bench import MIB, Kept, child, command, say, table

from gogooku3.panel.open import open_panel

SIZES = {"stocks": 2000, "sessions": 4000, "first": 500, "piece": 250, "limit": 1536}
QUICK = {"stocks": 100, "sessions": 1000, "first": 500, "piece": 250, "limit": 768}
SMALL = ("--set", "panel.segment_megabytes=64", "--quiet")


def measure(scratch: Path, sizes: dict[str, int]) -> dict[str, Any]:
    """Build in pieces and at once under the limit, and at once without it; return what each took.

    Raises:
        RuntimeError: A piece fails.
    """
    market = scratch / "growth" / f"{sizes['stocks']}x{sizes['sessions']}"
    if not (market / "delistings.parquet").exists():
        places = (sizes["stocks"], sizes["sessions"], writer.SEED, writer.LISTED_LATER, writer.DELISTED)
        child("simulated.py", "simulate", market, *places)
    runs = scratch / "pieces"
    shutil.rmtree(runs, ignore_errors=True)
    runs.mkdir(parents=True)
    here = ("--set", f"run.folder={runs}", *SMALL)
    limit = sizes["limit"] * MIB
    files = _split(pl.read_parquet(market / "frame.parquet"), runs, sizes)
    steps = []
    for n, file in enumerate(files):
        say(f"piece {n + 1} of {len(files)}")
        verb = "append" if n else "build"
        done = command(verb, "--name", "pieces", "--bars", file, *here, limit=limit)
        if done["code"]:
            raise RuntimeError(done["said"])
        steps.append(_kept(done) | {"sessions": len(open_panel(runs / "pieces" / "panel").sessions)})
    whole = ("--bars", market / "frame.parquet", *here)
    say("at once, under the limit")
    refused = command("build", "--name", "refused", *whole, limit=limit)
    say("at once")
    once = command("build", "--name", "once", *whole)
    if once["code"]:
        raise RuntimeError(once["said"])
    panels = [open_panel(runs / name / "panel") for name in ("pieces", "once")]
    answer = {
        "steps": steps,
        "refused": refused["code"],
        "once": _kept(once),
        "same": panels[0].content_hash == panels[1].content_hash,
        "rows": int(panels[0].present.sum()),
        "features": len(panels[0].feature_names),
        "bytes": sum(segment.nbytes for segment in panels[0].segments),
    }
    shutil.rmtree(runs)
    return answer


def _split(frame: pl.DataFrame, folder: Path, sizes: dict[str, int]) -> list[Path]:
    days = frame["date"].unique().sort().to_list()
    bounds = [0, *range(sizes["first"], len(days), sizes["piece"]), len(days)]
    files = []
    for n, (start, stop) in enumerate(pairwise(bounds)):
        path = folder / f"bars-{n}.parquet"
        frame.filter(pl.col("date").is_in(days[start:stop])).write_parquet(path)
        files.append(path)
    return files


def _kept(done: dict[str, Any]) -> dict[str, Any]:
    return {key: done[key] for key in ("seconds", "anonymous", "resident", "limited")}


def text(scratch: Path, quick: bool, kept: Kept) -> str:
    """Return the section.

    Raises:
        RuntimeError: The panels differ.
    """
    sizes = QUICK if quick else SIZES
    result = kept.get({"what": "pieces", **sizes}, lambda: measure(scratch, sizes))
    if not result["same"]:
        raise RuntimeError("the panel built in pieces is not the one built at once")
    shown = [
        (f"{step['sessions']:,}", f"{step['seconds']:.1f}", f"{step['anonymous'] / MIB:.0f}")
        for step in result["steps"]
    ]
    total = sum(step["seconds"] for step in result["steps"])
    largest = max(step["anonymous"] for step in result["steps"])
    once = result["once"]
    end = "failed" if result["refused"] else "also got through"
    rows = [
        *shown,
        ("all pieces", f"{total:.1f}", f"{largest / MIB:.0f}"),
        ("at once, without the limit", f"{once['seconds']:.1f}", f"{once['anonymous'] / MIB:.0f}"),
    ]
    return (
        f"From bars: {sizes['stocks']:,} stocks x {sizes['sessions']:,} sessions ({result['rows']:,} rows x "
        f"{result['features']} features, {result['bytes'] / 2**30:.1f} GiB) by `gogooku3 build` of the first "
        f"{sizes['first']} sessions and `gogooku3 append` of {sizes['piece']} at a time, segments of at most 64 MiB, "
        f"every command limited to {sizes['limit'] / 1024:.2f} GiB (RLIMIT_DATA). `gogooku3 build` of everything at "
        f"once {end} under this limit; without it, it gave the same panel, bit for bit.\n\n"
        + table(("sessions held", "seconds", "memory, MiB"), rows)
    )
