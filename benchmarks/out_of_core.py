"""Write and stream a panel larger than the memory that the process may have.

python benchmarks/out_of_core.py FOLDER LIMIT_MIB STOCKS SESSIONS FEATURES

The limit is RLIMIT_DATA (Linux): all memory counts that is not a view of a file, what the libraries took when they
were loaded and thread stacks included. Random features are written segment by segment; then one pass over all days
takes mean and count of every feature, which have to be those of what was written.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench import Memory, say

from gogooku3.labels.ranks import rank_targets
from gogooku3.labels.target import Target
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment import Segment
from gogooku3.panel.settings import PanelSettings
from gogooku3.panel.stocks import bare_stocks
from gogooku3.panel.writer import PanelWriter

TARGETS = (Target(1, 1), Target(5, 1))


class Totals:
    """Sums and counts of every feature, day by day in float64."""

    def __init__(self, features: int) -> None:
        self.sum, self.count = np.zeros(features), np.zeros(features, dtype=np.int64)

    def add(self, values: np.ndarray) -> None:
        """Add days [L, Ns, F]."""
        for day in values:
            self.sum += np.nansum(day, axis=0, dtype=np.float64)
            self.count += np.isfinite(day).sum(axis=0)

    def same(self, other: Totals) -> bool:
        """Whether both have seen the same days in the same order."""
        return np.array_equal(self.sum, other.sum) and np.array_equal(self.count, other.count)


def make_segment(
    rng: np.random.Generator, start: int, days: int, codes: tuple[str, ...], width: int
) -> Segment:
    """Return random features of some days; one stock in ten has no bar on a day."""
    grid = (days, len(codes))
    features = np.empty((*grid, width), dtype=np.float32)
    rng.standard_normal(out=features, dtype=np.float32)
    present = rng.random(grid, dtype=np.float32) > 0.1
    present[0] = True
    for day, held in zip(features, present, strict=True):
        day[~held] = np.nan
    targets = rng.standard_normal((*grid, len(TARGETS)), dtype=np.float32)
    targets[~present] = np.nan
    return Segment(
        sessions=np.datetime64("2001-01-01") + np.arange(start, start + days),
        codes=codes,
        features=features,
        present=present,
        universe=present,
        targets=targets,
        target_ranks=rank_targets(targets, present),
        fields={"link": np.where(present, 1.0, np.nan)},
    )


def write(folder: Path, stocks: int, sessions: int, features: int) -> tuple[Totals, int]:
    """Write the panel; return what is in it and its rows."""
    codes = tuple(f"{n:06d}" for n in range(stocks))
    axes = PanelAxes(tuple(f"f{i}" for i in range(features)), TARGETS, ("link",), "unknown")
    length = max(1, PanelSettings().segment_megabytes * 2**20 // (stocks * features * 4))
    rng, totals, rows = np.random.default_rng(0), Totals(features), 0
    with PanelWriter(folder, axes, bare_stocks(codes), {"source": "random"}) as writer:
        for start in range(0, sessions, length):
            segment = make_segment(rng, start, min(length, sessions - start), codes, features)
            writer.add(segment)
            totals.add(segment.features)
            rows += int(segment.present.sum())
            say(f"  written {start + len(segment.sessions)} of {sessions} sessions")
            del segment
    return totals, rows


def refused(limit: int) -> bool:
    """Whether the system refuses memory beyond the limit."""
    try:
        np.ones(limit // 8)
    except MemoryError:
        return True
    return False


def main() -> None:
    """Write, stream, compare; the answer is one line of JSON."""
    folder = Path(sys.argv[1])
    limit, stocks, sessions, features = map(int, sys.argv[2:6])
    limit *= 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    shutil.rmtree(folder, ignore_errors=True)
    with Memory() as memory:
        begin = time.perf_counter()
        written, rows = write(folder, stocks, sessions, features)
        middle = time.perf_counter()
        panel, streamed = open_panel(folder), Totals(features)
        for block in panel.blocks():
            streamed.add(block.features)
        end = time.perf_counter()
    answer: dict[str, Any] = {
        "limit": limit,
        "refused": refused(limit),
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "rows": rows,
        "segments": len(panel.segments),
        "write": middle - begin,
        "stream": end - middle,
        "same": written.same(streamed),
        "anonymous": memory.anonymous,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
