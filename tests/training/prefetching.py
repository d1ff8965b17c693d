"""A script that prefetches until it is stopped: `python -m tests.training.prefetching`, which prints its id."""

from __future__ import annotations

import sys
import time

from gogooku3.training.prefetch import Prefetcher
from tests.training.makers import process_id

if __name__ == "__main__":
    with Prefetcher(process_id, range(10**9), buffer_bytes=10_000) as prefetcher:
        for arrays in prefetcher:
            print(int(arrays["pid"]), flush=True)  # noqa: T201 - the answer
            time.sleep(float(sys.argv[1]))
