"""A stage is skipped when what it made is there and was made from the same things."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gogooku3.pipeline.lineage import environment
from gogooku3.pipeline.run_folder import Run
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_file, digest_json


@dataclass(frozen=True, kw_only=True)
class StageRecord:
    """What a finished stage leaves behind.

    Attributes:
        name: Name of the stage.
        key: Digest of everything the outputs were made from.
        inputs: The same in readable form: settings, hashes of inputs and of code.
        outputs: File in the run folder to the SHA-256 of its bytes.
        metrics: Measured figures, one dictionary a line of metrics.jsonl.
        environment: Versions of what computed it, and the machine's kind.
        seconds: How long it took.
        skipped: True if it was there already.
    """

    name: str
    key: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, str]
    metrics: Sequence[Mapping[str, Any]] = field(default=())
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    skipped: bool = False


def run_stage(
    run: Run,
    name: str,
    inputs: Mapping[str, Any],
    outputs: Iterable[str],
    work: Callable[[], Sequence[Mapping[str, Any]]],
) -> StageRecord:
    """Do ``work`` unless its outputs are there, unchanged, and made from the same ``inputs``.

    The record is written after all outputs, so a stage that was interrupted is done again. The run's settings
    are written first: what a run remembers is what a stage of it was asked to do.

    Args:
        run: The run.
        name: Name of the stage.
        inputs: JSON-able description of everything the outputs depend on.
        outputs: Files in the run folder that ``work`` writes; read after it, so a generator may look at them.
        work: Writes the outputs and returns metrics.
    """
    run.save_settings()
    path = run.path(f"stages/{name}.json")
    key = digest_json(inputs)
    known = _read(path)
    if known is not None and known.key == key and _unchanged(run, known.outputs):
        return StageRecord(**{**vars(known), "skipped": True})
    path.unlink(missing_ok=True)
    began = time.perf_counter()
    metrics = work()
    seconds = time.perf_counter() - began
    return write_record(run, name, inputs=inputs, outputs=outputs, metrics=metrics, seconds=seconds)


def write_record(
    run: Run,
    name: str,
    *,
    inputs: Mapping[str, Any],
    outputs: Iterable[str],
    metrics: Sequence[Mapping[str, Any]],
    seconds: float,
) -> StageRecord:
    """Write down that a stage's outputs are there and what they were made from.

    Args:
        run: The run.
        name: Name of the stage.
        inputs: What the outputs depend on.
        outputs: Files in the run folder.
        metrics: Measured figures.
        seconds: How long it took.
    """
    record = StageRecord(
        name=name,
        key=digest_json(inputs),
        inputs=inputs,
        outputs={output: digest_file(run.path(output)) for output in outputs},
        metrics=tuple(metrics),
        environment=environment(),
        seconds=round(seconds, 3),
    )
    path = run.path(f"stages/{name}.json")
    write_json(path, {k: v for k, v in vars(record).items() if k != "skipped"})
    return record


def read_stage(run: Run, name: str) -> StageRecord | None:
    """Return the record of a finished stage, None if there is none."""
    return _read(run.path(f"stages/{name}.json"))


def _read(path: Path) -> StageRecord | None:
    try:
        return StageRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None  # no record, or one of another version: the stage is done again


def _unchanged(run: Run, outputs: Mapping[str, str]) -> bool:
    return all(
        run.path(name).is_file() and digest_file(run.path(name)) == digest for name, digest in outputs.items()
    )
