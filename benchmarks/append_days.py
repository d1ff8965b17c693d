"""Append days to a run in a process of its own: python benchmarks/append_days.py FOLDER FILE...

FOLDER is a folder of runs that holds the run ``r``. The first file warms the process up and is not counted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from gogooku3.pipeline.append import append
from gogooku3.pipeline.run_folder import open_run


def main() -> None:
    """Append file after file; the answer is one line of JSON: seconds of each."""
    folder, *files = sys.argv[1:]
    seconds = []
    for file in files:
        run = open_run(flags={"run.name": "r", "run.folder": folder})
        begin = time.perf_counter()
        append(run, Path(file))
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"seconds": seconds[1:]}))


if __name__ == "__main__":
    main()
