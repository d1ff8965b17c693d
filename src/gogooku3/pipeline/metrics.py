"""metrics.jsonl and lineage.json: what the stages of a run measured, and what they were made from."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gogooku3.pipeline.lineage import environment
from gogooku3.pipeline.run_folder import Run
from gogooku3.splits.fold import Fold
from gogooku3.storage.atomic import write_json, write_text


def write_metrics(run: Run, folds: Iterable[Fold]) -> None:
    """Gather the stages' metrics into metrics.jsonl and their hashes into lineage.json, in the order of their names.

    Records of models and folds that the run no longer has are left out.

    Args:
        run: The run.
        folds: Its folds.
    """
    stages = {"build", "evaluation"}
    if run.settings.run.open_locked:
        stages.add("evaluation-locked")
    stages |= {f"train-{model}-{fold.name}" for model in run.settings.train.models for fold in folds}
    lines, lineage = [], {}
    for path in sorted(run.path("stages").glob("*.json")):
        if path.stem not in stages:
            continue
        record = json.loads(path.read_text(encoding="utf-8"))
        lineage[path.stem] = {name: record[name] for name in ("key", "outputs", "environment")}
        lineage[path.stem]["code"] = record["inputs"].get("code")
        lines += [
            json.dumps(
                {"run": run.settings.run.name, "seconds": record["seconds"], **metric}, ensure_ascii=False
            )
            for metric in record["metrics"]
        ]
    write_json(run.path("lineage.json"), {"environment": environment(), "stages": lineage})
    write_text(run.path("metrics.jsonl"), "".join(line + "\n" for line in lines))
