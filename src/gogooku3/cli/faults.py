"""How an error is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence


def describe(sentence: str, arguments: Sequence[str]) -> None:
    """Print a sentence to standard error, and as JSON to standard output if the user asked for JSON."""
    print(f"gogooku3: {sentence}", file=sys.stderr)  # noqa: T201 - the command line prints
    if "--json" in arguments:
        print(json.dumps({"error": sentence}, ensure_ascii=False))  # noqa: T201 - the command line prints
