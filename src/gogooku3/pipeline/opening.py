"""Looking at sessions that are kept back is an event."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from gogooku3.pipeline.run_folder import Run
from gogooku3.storage.atomic import write_text


def record_opening(run: Run, first: str, last: str) -> None:
    """Add a line to a run's ``openings.jsonl``, and say so.

    Args:
        run: The run.
        first: Date of the first locked session that is looked at.
        last: Of the last.
    """
    path = run.path("openings.jsonl")
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    opened = datetime.now(tz=UTC).isoformat(timespec="seconds")
    line = {"opened": opened, "first": first, "last": last}
    write_text(path, before + json.dumps(line) + "\n")
    run.progress.note(
        f"locked sessions {first} to {last} are opened, time {before.count(chr(10)) + 1}; "
        "write it down in your log"
    )
