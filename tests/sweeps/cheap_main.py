"""A search of cheap trials, as a process that can be killed: python -m tests.sweeps.cheap_main FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.sweeps.cheap import brief, search

if __name__ == "__main__":
    search(Path(sys.argv[1]), brief)
