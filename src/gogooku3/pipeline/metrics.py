"""metrics.jsonl: every figure that the stages of a run have measured."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gogooku3.pipeline.run_folder import Run
from gogooku3.splits.fold import Fold
from gogooku3.storage.atomic import write_text


def write_metrics(run: Run, folds: Iterable[Fold]) -> None:
    """Gather the metrics of the run's stages into metrics.jsonl, in the order of the stages' names.

    Records of models and folds that the run no longer has are left out.

    Args:
        run: The run.
        folds: Its folds.
    """
    stages = {"build", "evaluation"}
    if run.settings.run.open_locked:
        stages.add("evaluation-locked")
    stages |= {f"train-{model}-{fold.name}" for model in run.settings.train.models for fold in folds}
    lines = []
    for path in sorted(run.path("stages").glob("*.json")):
        if path.stem not in stages:
            continue
        record = json.loads(path.read_text(encoding="utf-8"))
        lines += [
            json.dumps(
                {"run": run.settings.run.name, "seconds": record["seconds"], **metric}, ensure_ascii=False
            )
            for metric in record["metrics"]
        ]
    write_text(run.path("metrics.jsonl"), "".join(line + "\n" for line in lines))
