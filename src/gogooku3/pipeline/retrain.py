"""A run's test years once more, with models that are fitted anew as often as a morning job would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gogooku3.config.origin import Origin
from gogooku3.config.resolve import Resolved
from gogooku3.errors import SettingsError
from gogooku3.evaluation.plain import plain
from gogooku3.pipeline.cadence_pairs import CadencePair, cadence_pairs
from gogooku3.pipeline.evaluate import evaluate
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.run_kind import refuse_foreign
from gogooku3.pipeline.share_panel import share_panel
from gogooku3.pipeline.stage import StageRecord
from gogooku3.pipeline.train import train
from gogooku3.splits.cadence_settings import CadenceName
from gogooku3.storage.atomic import write_json

_FILE = "retrain.json"


@dataclass(frozen=True, eq=False, kw_only=True)
class Replay:
    """What a replay made.

    Attributes:
        run: The replay, a run like any other.
        stages: Its trainings, fold by fold, and its evaluation.
        pairs: It against the run it is of.
        without: Models that cannot be compared, and why.
    """

    run: Run
    stages: tuple[StageRecord, ...]
    pairs: tuple[CadencePair, ...]
    without: Mapping[str, str]


def retrain(run: Run, cadence: CadenceName, *, out: str | None = None) -> Replay:
    """Replay walk-forward retraining over a run's test years, evaluate it, and compare it with the run.

    Each calendar month, quarter or year is scored by models that were fitted on everything known before its first
    session; settings, bars and panel are the run's. The replay is a run of its own, which goes on where it was
    interrupted. Locked years stay closed.

    Args:
        run: A run that is built; where it is trained, too, the two are compared.
        cadence: How often the models are fitted anew.
        out: Name of the replay's folder, beside the run's; ``<run>-<cadence>`` if not given.

    Raises:
        SettingsError: The folder holds another run, or the locked years are to be opened.
        StorageError: The run is not built.
        SplitError: The folds do not fit the data.
    """
    if run.settings.run.open_locked:
        raise SettingsError(
            "a replay does not open the locked years",
            where="run.open_locked",
            remedy="replay without it; `gogooku3 train --open-locked` on the replay opens them, once, at the very end",
        )
    name = out or f"{run.settings.run.name}-{cadence}"
    replay = _renamed(run, cadence, name)
    _claim(run, replay)
    share_panel(run, replay)
    stages = [*train(replay), *evaluate(replay)]
    pairs, without = cadence_pairs(run, replay)
    write_json(replay.path(_FILE), {**_origin(run, replay), "pairs": plain(pairs), "without": without})
    return Replay(run=replay, stages=tuple(stages), pairs=pairs, without=without)


def _renamed(run: Run, cadence: CadenceName, name: str) -> Run:
    """Return the run as another one would be that was given the same settings, but for name and cadence."""
    settings = run.settings
    said = {"run.name": Origin("flag"), "retrain.cadence": Origin("flag")}
    changed = settings.model_copy(
        update={
            "run": settings.run.model_copy(update={"name": name}),
            "retrain": settings.retrain.model_copy(update={"cadence": cadence}),
        }
    )
    return Run(
        resolved=Resolved(settings=changed, origins={**run.resolved.origins, **said}), progress=run.progress
    )


def _claim(run: Run, replay: Run) -> None:
    """Mark a new folder as this replay's; refuse one that holds something else."""
    refuse_foreign(replay.folder)
    origin = _origin(run, replay)
    path = replay.path(_FILE)
    if not replay.folder.is_dir() or not any(replay.folder.iterdir()):
        write_json(path, origin)
        return
    found = _read(replay)
    if {key: found.get(key) for key in origin} != origin:
        was = f"a replay of {found['of']}, {found['cadence']}" if found else "another run"
        raise SettingsError(
            "the folder holds something else than this replay",
            where=replay.folder,
            got=was,
            expected=f"a replay of {origin['of']}, {origin['cadence']}, or nothing",
            remedy="give the replay another name by --out-name",
        )


def _origin(run: Run, replay: Run) -> dict[str, Any]:
    return {"of": run.settings.run.name, "cadence": replay.settings.retrain.cadence}


def _read(replay: Run) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(replay.path(_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found
