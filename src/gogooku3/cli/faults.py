"""How an error is shown."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path


def describe(sentence: str, arguments: Sequence[str]) -> None:
    """Print a sentence to standard error, and as JSON to standard output if the user asked for JSON."""
    print(f"gogooku3: {sentence}", file=sys.stderr)  # noqa: T201 - the command line prints
    if "--json" in arguments:
        print(json.dumps({"error": sentence}, ensure_ascii=False))  # noqa: T201 - the command line prints


def save_traceback(error: BaseException) -> Path:
    """Write an error's traceback to a fresh file and return its path."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="gogooku3-", suffix=".traceback.txt", delete=False, encoding="utf-8"
    ) as handle:
        handle.write("".join(traceback.format_exception(error)))
    return Path(handle.name)
