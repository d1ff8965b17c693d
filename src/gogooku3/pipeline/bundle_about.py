"""What a bundle says of the run that it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, assert_never

import numpy as np

from gogooku3.bundle.about import About, Described, Evaluated, Features, Measured, Session, Tested, Training
from gogooku3.config.effect import unread_by_models
from gogooku3.models.names import DEEP, ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.deep import describe
from gogooku3.pipeline.lineage import versions
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, read_stage
from gogooku3.splits.fold import Fold
from gogooku3.storage.hashing import digest_file

_ELSEWHERE = {"run", "source", "report", "evaluation", "predict", "panel.file"}
"""Sections and keys that say where things lie, or what is done with scores."""

Records = Mapping[ModelName, StageRecord]


def about_run(run: Run, panel: Panel, fold: Fold, records: Records) -> About:
    """Return what a bundle of some models of a fold says beside their weights.

    Args:
        run: The run.
        panel: Its panel.
        fold: The fold.
        records: What the training of each model left behind, by the model's name.
    """
    inputs = {model: _inputs(run, panel, model) for model in records}
    return About(
        settings=_settings(run, tuple(records)),
        features=Features(names=panel.feature_names, dtype=panel.axes.dtype, code=panel.lineage.get("code")),
        normaliser={model: normaliser for model, (normaliser, _) in inputs.items()},
        graph={model: graph for model, (_, graph) in inputs.items()},
        targets=tuple(str(target) for target in panel.targets),
        training=_training(run, panel, fold),
        evaluation=Evaluated(validation=tuple(_measured(records)), test=tuple(_tested(run, panel, records))),
        versions={model: _versions(model, record) for model, record in records.items()},
    )


def _settings(run: Run, models: tuple[ModelName, ...]) -> Described:
    """Return the settings that the scores of these models depend on."""
    settings = run.settings
    train = settings.train.model_copy(update={"models": models})
    unread = unread_by_models(settings.model_copy(update={"train": train})) | _ELSEWHERE
    if not settings.run.simulated:
        unread.add("simulation")
    if settings.retrain.cadence == "yearly":
        unread.add("retrain")  # a fold is then what splits say
    kept: Described = {}
    for section, values in settings.model_dump(mode="json").items():
        if section not in unread:
            kept[section] = {key: value for key, value in values.items() if f"{section}.{key}" not in unread}
    return kept


def _inputs(run: Run, panel: Panel, model: ModelName) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return how a model's inputs are scaled, and how its stocks are linked."""
    ranks, none = {"kind": "per_day_rank"}, {"kind": "none"}
    match model:
        case "ridge" | "lightgbm":
            return ranks, none
        case "gru" | "atft_gat_fan":
            said = describe(run, panel, model)
            graph = said["graph"]
            linked = {"kind": "trailing_correlation", **graph, "edges": said["edges"]} if graph else none
            return {**ranks, "columns": said["columns"], "frequency": said["frequency"]}, linked
        case "blend":
            return {"kind": "per_day_rank", "of": list(run.settings.blend.of)}, none
        case other:
            assert_never(other)


def _training(run: Run, panel: Panel, fold: Fold) -> Training:
    learned = np.concatenate([fold.train, fold.validation])
    files = panel.lineage.get("files")
    known, labels = panel.days("known"), panel.days("labels")
    return Training(
        run=run.settings.run.name,
        fold=fold.name,
        market=_market(run),
        files=dict(files) if isinstance(files, Mapping) else {},
        calendar=panel.calendar,
        trained=_span(panel, fold.train),
        chosen=_span(panel, fold.validation) if len(fold.validation) else None,
        refit=run.settings.train.refit,
        scores_from=_date(panel, int(fold.test[0])),
        seed=run.settings.train.seed,
        panel=panel.digest(learned),
        sessions=tuple(
            Session(session=_date(panel, day), known=known[day], labels=labels[day])
            for day in learned.tolist()
        ),
    )


def _market(run: Run) -> str:
    if run.settings.run.simulated:
        return "the simulated market"
    return "a ready panel" if run.settings.panel.file is not None else "files"


def _span(panel: Panel, sessions: np.ndarray) -> tuple[date, date, int]:
    return _date(panel, int(sessions[0])), _date(panel, int(sessions[-1])), len(sessions)


def _date(panel: Panel, session: int) -> date:
    value: Any = panel.sessions[session].astype("datetime64[D]").item()
    found: date = value
    return found


def _measured(records: Records) -> Iterator[Measured]:
    for model, record in records.items():
        for metric in record.metrics:
            yield Measured(model=model, target=metric["target"], rank_ic=metric["validation_rank_ic"])


def _tested(run: Run, panel: Panel, records: Records) -> Iterator[Tested]:
    """Yield the figures of the test years together, if they are those of the scores that are there now."""
    record = read_stage(run, "evaluation")
    path, scores = run.path("evaluation.json"), run.path("predictions.parquet")
    if record is None or not path.is_file() or not scores.is_file():
        return
    now = {
        "evaluation.json": digest_file(path),
        "predictions": digest_file(scores),
        "panel": panel.content_hash,
    }
    then = {"evaluation.json": record.outputs.get("evaluation.json")}
    then |= {key: record.inputs.get(key) for key in ("predictions", "panel")}
    if now != then:
        return
    said = json.loads(path.read_text(encoding="utf-8"))
    for result in said["results"]:
        if result["period"] == "all" and result["model"] in records:
            found = result["rank_ic"]
            yield Tested(
                model=result["model"],
                target=result["target"],
                rank_ic=found["mean"],
                first=date.fromisoformat(said["sessions"]["first"]),
                last=date.fromisoformat(said["sessions"]["last"]),
                low=found["low"],
                high=found["high"],
                days=found["days"],
            )


def _versions(model: ModelName, record: StageRecord) -> dict[str, str]:
    deep = versions("torch", "pytorch-optimizer") if model in DEEP else {}
    return {**record.environment, **deep}
