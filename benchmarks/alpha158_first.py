"""The first call of alpha158 in a new process: `python benchmarks/alpha158_first.py CACHE` compiles into CACHE."""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Print seconds of importing, and of the first and second call on a market of 20 stocks."""
    os.environ["NUMBA_CACHE_DIR"] = sys.argv[1]
    marks = [time.perf_counter()]
    from alpha158 import compute_all, small_market  # noqa: PLC0415 - after the cache is named

    marks.append(time.perf_counter())
    market = small_market()
    for _ in range(2):
        begin = time.perf_counter()
        compute_all(market)
        marks.append(time.perf_counter() - begin)
    print(json.dumps({"import": marks[1] - marks[0], "first": marks[2], "second": marks[3]}))


if __name__ == "__main__":
    main()
