"""Stream a whole panel in a process of its own: python benchmarks/reader_stream.py PANEL DAYS."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from bench import Memory, resident

from gogooku3.panel.open import open_panel


def main() -> None:
    """Read all days in pieces into one buffer; tell the memory that the process held for itself."""
    days = int(sys.argv[2])
    panel = open_panel(sys.argv[1])
    buffer = np.empty((days, len(panel.codes), len(panel.feature_names)), dtype=np.float32)
    total, begin = 0.0, time.perf_counter()
    with Memory() as memory:
        for start in range(0, len(panel.sessions), days):
            stop = min(start + days, len(panel.sessions))
            values = panel.read(start, stop, out=buffer[: stop - start])
            total += float(np.nansum(values[:, :, 0]))
    answer = {
        "sessions": len(panel.sessions),
        "bytes": sum(segment.nbytes for segment in panel.segments),
        "anonymous": memory.anonymous,
        "buffer": buffer.nbytes,
        "mapped": resident()["RssFile"],
        "seconds": time.perf_counter() - begin,
        "sum": total,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
