"""Scores of another tool to the evaluation, the report and the files that a run of ours has."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from gogooku3.evaluation.report.html import render_parts
from gogooku3.evaluation.report.markdown import part_to_markdown
from gogooku3.evaluation.report.part import Part
from gogooku3.evaluation.report.plain import part_to_dict
from gogooku3.evaluation.report.table import escaped
from gogooku3.market.quarantine import write_quarantine
from gogooku3.pipeline.foreign_context import foreign_context, universe_sentence
from gogooku3.pipeline.foreign_judged import ForeignJudged
from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.references import read_references
from gogooku3.pipeline.report import FILES
from gogooku3.pipeline.run_kind import FOREIGN
from gogooku3.pipeline.stage import StageRecord, write_record
from gogooku3.storage.atomic import write_json, write_text
from gogooku3.storage.parquet import write_parquet

_CODE = ("pipeline.foreign", "market.assemble", "sources.files")
_OUTPUTS = (FOREIGN, "evaluation.json", "daily.parquet", "validation.json", *FILES)
_QUARANTINE = "quarantine.csv"


def evaluate_foreign(judged: ForeignJudged) -> StageRecord:
    """Judge scores of another tool and write all that a run's evaluation and report write.

    Nothing is written before the scores were found fit to be judged; ``foreign.json`` then marks the folder, so that
    it is not taken for a run of ours.

    Args:
        judged: The scores, and where to write.

    Raises:
        DataError: The file of scores or the bars cannot be used, or the two have nothing in common.
        EvaluationError: The scores cannot be evaluated, such as constant ones.
        SettingsError: The table of references cannot be read.
    """
    run, began = judged.run, time.perf_counter()
    for line in [*judged.assembled[1].lines(), *(aside.text for aside in judged.placed.set_aside)]:
        run.progress.note(line)
    run.progress.note(universe_sentence(judged))
    evaluation = judged.tested
    part = _part(judged)
    write_json(run.path(FOREIGN), _described(judged))
    run.save_settings()
    _write_validation(judged)
    write_json(run.path("evaluation.json"), {**evaluation.to_dict(), "seeds": judged.seeds})
    write_parquet(evaluation.series(), run.path("daily.parquet"))
    page, text, data = map(run.path, FILES)
    write_text(page, render_parts([part], title=part.title))
    write_text(text, f"# {escaped(part.title)}\n\n{part_to_markdown(part)}")
    write_json(data, part_to_dict(part))
    return write_record(
        run,
        "evaluation",
        inputs=_inputs(judged),
        outputs=[*_OUTPUTS, *([_QUARANTINE] if run.path(_QUARANTINE).is_file() else [])],
        metrics=_metrics(judged),
        seconds=time.perf_counter() - began,
    )


def _part(judged: ForeignJudged) -> Part:
    settings = judged.run.settings
    references = settings.report.references
    return Part(
        title=settings.report.title or f"{settings.run.name}: scores of another tool",
        evidence=judged.evidence,
        context=foreign_context(judged),
        references=read_references(references) if references else (),
    )


def _described(judged: ForeignJudged) -> dict[str, Any]:
    """Say what the folder holds, and count all that was not judged."""
    scores, placed = judged.scores, judged.placed
    return {
        "kind": "scores of another tool",
        **_inputs(judged)["scores"],
        "universe": judged.asked.universe,
        "until": None if judged.asked.until is None else str(judged.asked.until),
        "rows": scores.frame.height,
        "judged": placed.frame.height,
        "set_aside": [
            {"why": aside.why, "rows": aside.rows, "examples": aside.examples} for aside in placed.set_aside
        ],
        "columns": [
            {
                "name": column.name,
                "model": column.model,
                "target": None if column.target is None else str(column.target),
                "seed": column.seed,
                "missing": placed.frame.get_column(column.name).null_count(),
            }
            for column in scores.columns
        ],
        "left_out": list(scores.left_out),
    }


def _inputs(judged: ForeignJudged) -> dict[str, Any]:
    settings = judged.run.settings
    names = ("source", "market", "labels", "evaluation")
    return {
        "scores": {"file": str(judged.asked.predictions), "sha256": judged.scores.digest},
        "bars": judged.assembled[2],
        "settings": {name: getattr(settings, name).model_dump(mode="json") for name in names},
        "universe": settings.universe.model_dump(mode="json")
        if judged.asked.universe == "settings"
        else judged.asked.universe,
        "until": None if judged.asked.until is None else str(judged.asked.until),
        "columns": list(judged.asked.columns),
        "code": code_digest(_CODE),
    }


def _write_validation(judged: ForeignJudged) -> None:
    report, path = judged.assembled[1], judged.run.path(_QUARANTINE)
    write_json(judged.run.path("validation.json"), report.to_json())
    path.unlink(missing_ok=True)
    if report.quarantine.height:
        write_quarantine(report, path)
        judged.run.progress.note(f"{report.quarantine.height:,} faults are written out in {path}")


def _metrics(judged: ForeignJudged) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "stage": "evaluation",
            "model": row["model"],
            "target": row["target"],
            "period": row["period"],
            "rank_ic": row["rank_ic"]["mean"],
            "rank_ic_t": row["rank_ic"]["t"],
            "net_sharpe_daily": row["portfolio"]["sharpe_daily"],
        }
        for row in judged.tested.to_dict()["results"]
    ]
