"""metrics.jsonl: every figure that the stages of a run have measured."""

from __future__ import annotations

import json

from gogooku3.pipeline.run_folder import Run
from gogooku3.storage.atomic import write_text


def write_metrics(run: Run) -> None:
    """Gather the metrics of all stage records into metrics.jsonl, in the order of the stages' names."""
    lines = []
    for path in sorted(run.path("stages").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        lines += [
            json.dumps(
                {"run": run.settings.run.name, "seconds": record["seconds"], **metric}, ensure_ascii=False
            )
            for metric in record["metrics"]
        ]
    write_text(run.path("metrics.jsonl"), "".join(line + "\n" for line in lines))
