"""`all_trials.json` and `best_params.json`: a search for people and their scripts, whole at any moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from gogooku3.storage.atomic import write_json
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.study import LIVE, REASON, attempt_of

ALL, BEST = "all_trials.json", "best_params.json"


def write_files(folder: Path, trials: Sequence[FrozenTrial], ledger: Mapping[int, LedgerEntry]) -> None:
    """Rewrite both files; ``best_params.json`` is there from the first completed trial on.

    Args:
        folder: Folder of the search.
        trials: All trials of the study.
        ledger: How each trial stands in the ledger, by number.

    Raises:
        StorageError: A file cannot be written.
    """
    rows = [row(trial, ledger.get(trial.number)) for trial in trials]
    write_json(folder / ALL, rows)
    completed = [one for one in rows if one["value"] is not None]
    if completed:
        write_json(folder / BEST, max(completed, key=lambda one: one["value"])["params"])


def row(trial: FrozenTrial, entry: LedgerEntry | None) -> dict[str, Any]:
    """Return what is said of a trial; a value is there only if it completed."""
    complete = trial.state == TrialState.COMPLETE
    return {
        "number": trial.number,
        "params": trial.params,
        "value": trial.value if complete else None,
        "state": trial.state.name,
        "reason": None if complete else trial.user_attrs.get(REASON, entry.reason if entry else None),
        "attempt": attempt_of(trial),
        "started": str(trial.datetime_start) if trial.datetime_start else None,
        "ended": str(trial.datetime_complete) if trial.datetime_complete else None,
        "rank_ic_by_epoch": dict(sorted(trial.intermediate_values.items())),
        "epoch": trial.user_attrs.get(LIVE, {}).get("epoch"),
        "epochs": list(entry.epochs) if entry else [],
        "fold_rank_ic": list(entry.fold_rank_ic) if entry else [],
        "seconds": entry.seconds if entry else None,
        "memory_mb": entry.memory_mb if entry else None,
    }
