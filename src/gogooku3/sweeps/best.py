"""The best point of a search, trained anew with several seeds, measured once on the sessions no trial saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gogooku3.errors import ModelError
from gogooku3.pipeline.bundle import bundle
from gogooku3.pipeline.evaluate import Judged, evaluate
from gogooku3.pipeline.train import train
from gogooku3.sweeps.best_work import BestWork
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.sweep import Sweep
from gogooku3.sweeps.trial import LAG, run_of

if TYPE_CHECKING:
    from gogooku3.bundle.bundle import Bundle

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

    Members learn from training and validation sessions together, on the course of the learning rate that the trial
    had, and stop after the epochs that its folds chose.

    Args:
        sweep: A search with a completed trial.
        seeds: Members.

    Raises:
        ModelError: No trial is complete.
        SplitError: The panel keeps no sessions back.
    """
    entries = [one for one in sweep.ledger.read().trials.values() if one.value is not None]
    if not entries:
        raise ModelError(
            "there is no best trial", where=sweep.folder, remedy="go on with the search by --resume"
        )
    entry = max(entries, key=lambda one: (one.value or 0.0, -one.number))
    epochs = max(1, math.floor(float(np.median(entry.epochs)) + 0.5))
    run = run_of(_tree(sweep, entry, seeds), sweep.base.progress)
    train(run, lambda panel, stop: BestWork(run, panel, stop, epochs))
    judged = Judged(run)
    evaluate(run, judged)
    return Best(
        entry=entry,
        epochs=epochs,
        bundle=bundle(run),
        rank_ic={
            one.target.horizon: float(np.nanmean(one.rank_ic.values))
            for one in judged.locked.results
            if one.target.lag == LAG
        },
    )


def _tree(sweep: Sweep, entry: LedgerEntry, seeds: int) -> dict[str, Any]:
    tree = sweep.tree(entry.params)
    tree["run"] |= {"folder": str(sweep.folder), "name": FOLDER, "open_locked": True}
    tree["deep"] |= {"seeds": seeds}
    tree["train"] |= {"refit": True}
    return tree
