"""The simulated market as bars on disk, and a panel built from them, each in a process of its own.

python benchmarks/simulated.py simulate FOLDER STOCKS SESSIONS SEED LISTED_LATER DELISTED
python benchmarks/simulated.py build FOLDER PANEL FEATURES
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
from bench import Memory, say

from gogooku3.features.core import core
from gogooku3.labels.settings import LabelSettings
from gogooku3.market.assemble import assemble
from gogooku3.market.bars import Bars
from gogooku3.market.settings import MarketSettings
from gogooku3.market.universe import UniverseSettings, universe
from gogooku3.panel.open import open_panel
from gogooku3.panel.quality import FeatureQuality
from gogooku3.panel.settings import PanelSettings
from gogooku3.panel.writer import PanelWriter
from gogooku3.pipeline.segments import SegmentMaker, stock_table
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import simulate

_TABLES = ("frame", "listing", "delistings")


def simulate_bars(folder: Path, settings: SimulationSettings) -> dict[str, Any]:
    """Write the bars of a simulated market as Parquet; return how many there are."""
    bars = simulate(settings).bars
    folder.mkdir(parents=True, exist_ok=True)
    for name in _TABLES:
        getattr(bars, name).write_parquet(folder / f"{name}.parquet")
    return {"rows": bars.frame.height}


def build_panel(folder: Path, panel: Path, count: int) -> dict[str, Any]:
    """Build a panel of the first features of ``core`` from stored bars; return seconds, bytes and sizes."""
    marks = {"start": time.perf_counter()}
    with Memory() as memory:
        bars = Bars(**{name: pl.read_parquet(folder / f"{name}.parquet") for name in _TABLES})
        marks["read"] = time.perf_counter()
        market, _ = assemble(bars, MarketSettings())
        del bars
        marks["assemble"] = time.perf_counter()
        member = universe(market, UniverseSettings())
        marks["universe"] = time.perf_counter()
        features = core().select(core().exported[:count])
        maker = SegmentMaker(market, member, LabelSettings().targets, PanelSettings(), features)
        quality = FeatureQuality(maker.axes.feature_names)
        total = len(market.sessions)
        with PanelWriter(panel, maker.axes, stock_table(market), {"source": "simulated"}) as writer:
            for start in range(0, total, maker.length):
                segment = maker.segment(start, min(start + maker.length, total))
                quality.add(segment.features)
                writer.add(segment)
                say(f"  {start + len(segment.sessions)} of {total} sessions")
                del segment
            quality.refuse()
        marks["panel"] = time.perf_counter()
    times = list(marks.items())
    opened = open_panel(panel)
    return {
        "seconds": {name: now - before for (_, before), (name, now) in pairwise(times)},
        "total": marks["panel"] - marks["start"],
        "peak_resident": memory.resident,
        "peak_anonymous": memory.anonymous,
        "start_anonymous": memory.start,
        "rows": int(opened.present.sum()),
        "cells": len(opened.sessions) * len(opened.codes),
        "sessions": len(opened.sessions),
        "stocks": len(opened.codes),
        "features": len(opened.feature_names),
        "segments": len(opened.segments),
        "bytes": sum(path.stat().st_size for path in panel.rglob("*") if path.is_file()),
    }


def main() -> None:
    """Do what the command line says; the answer is one line of JSON."""
    verb, folder, *rest = sys.argv[1:]
    if verb == "simulate":
        names = ("stocks", "sessions", "seed", "listed_later", "delisted")
        values = dict(zip(names, rest, strict=True))
        answer = simulate_bars(Path(folder), SimulationSettings.model_validate(values))
    else:
        panel, count = rest
        answer = build_panel(Path(folder), Path(panel), int(count))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
