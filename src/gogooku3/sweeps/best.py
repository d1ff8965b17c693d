"""The best point of a search, trained anew with several seeds, measured once on the sessions no trial saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gogooku3.bundle.open import open_bundle
from gogooku3.errors import ModelError
from gogooku3.pipeline.bundle import bundle
from gogooku3.pipeline.evaluate import Judged, evaluate
from gogooku3.pipeline.train import train
from gogooku3.storage.paths import inside
from gogooku3.sweeps.best_opening import what_was_found, write_point
from gogooku3.sweeps.best_work import BestWork
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.sweep import Sweep
from gogooku3.sweeps.trial import LAG, run_of

if TYPE_CHECKING:
    from gogooku3.bundle.bundle import Bundle
    from gogooku3.pipeline.run_folder import Run

FOLDER = "best"


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best point, trained anew.

    Attributes:
        entry: Its trial.
        epochs: Epochs of each member: the median of those that its folds chose, halves up.
        bundle: The file.
        rank_ic: Mean RankIC at lag 1 over the sessions that no trial saw, by horizon.
    """

    entry: LedgerEntry
    epochs: int
    bundle: Bundle
    rank_ic: Mapping[int, float]


def retrain_best(sweep: Sweep, seeds: int) -> Best:
    """Train the best point, open the locked sessions for it, write that down, and pack a bundle.

    They are opened for one point of a search: for another they are not opened again, and for the same one what was
    found then is returned.

    Members learn from training and validation sessions together, on the course of the learning rate that the trial
    had, and stop after the epochs that its folds chose.

    Args:
        sweep: A search with a completed trial.
        seeds: Members.

    Raises:
        ModelError: No trial is complete; the locked sessions were opened for another point; or the best trial is of
            a machine that told no more than its value.
        SplitError: The panel keeps no sessions back.
    """
    entries = [one for one in sweep.ledger.read().trials.values() if one.value is not None]
    if not entries:
        raise ModelError(
            "there is no best trial", where=sweep.folder, remedy="go on with the search by --resume"
        )
    entry = max(entries, key=lambda one: (one.value or 0.0, -one.number))
    epochs = _epochs(sweep, entry)
    run = run_of(_tree(sweep, entry, seeds), sweep.base.progress)
    folder = sweep.folder / FOLDER
    point = {"trial": entry.number, "params": dict(entry.params), "epochs": epochs, "seeds": seeds}
    found = what_was_found(folder, point)
    if found is None:
        train(run, lambda panel, stop: BestWork(run, panel, stop, epochs))
        write_point(folder, point)
        found = {"rank_ic": _opened(run), "bundle": bundle(run).path.relative_to(folder).as_posix()}
        write_point(folder, point, found)
    else:
        sweep.base.progress.note(
            "the locked sessions were opened for this point before; what they showed is shown"
        )
    return Best(
        entry=entry,
        epochs=epochs,
        bundle=open_bundle(inside(folder, found["bundle"])),
        rank_ic={int(horizon): value for horizon, value in found["rank_ic"].items()},
    )


def _epochs(sweep: Sweep, entry: LedgerEntry) -> int:
    """Return the median of the epochs that a trial's folds chose, halves up."""
    if not entry.epochs:
        raise ModelError(
            "the best trial cannot be trained again: it is not known here which epochs its folds chose",
            where=sweep.folder,
            got=f"trial {entry.number}, of which its machine told the study no more than its value",
            remedy="run the same command where that trial was computed",
        )
    return max(1, math.floor(float(np.median(entry.epochs)) + 0.5))


def _opened(run: Run) -> dict[str, float]:
    """Open the locked sessions; return the mean RankIC at lag 1 by horizon."""
    judged = Judged(run)
    evaluate(run, judged)
    return {
        str(one.target.horizon): float(np.nanmean(one.rank_ic.values))
        for one in judged.locked.results
        if one.target.lag == LAG
    }


def _tree(sweep: Sweep, entry: LedgerEntry, seeds: int) -> dict[str, Any]:
    tree = sweep.tree(entry.params)
    tree["run"] |= {"folder": str(sweep.folder), "name": FOLDER, "open_locked": True}
    tree["deep"] |= {"seeds": seeds}
    tree["train"] |= {"refit": True}
    return tree
