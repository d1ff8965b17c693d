"""Open a panel in a process of its own: python benchmarks/reader_open.py PANEL REPEATS."""

from __future__ import annotations

import json
import sys
import time

from gogooku3.panel.open import open_panel


def main() -> None:
    """Time the first opening, imports excepted where Python has done them, and more."""
    seconds = []
    for _ in range(int(sys.argv[2]) + 1):
        begin = time.perf_counter()
        open_panel(sys.argv[1])
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"first": seconds[0], "again": seconds[1:]}))


if __name__ == "__main__":
    main()
