"""The blend of two models of a run, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from gogooku3.errors import SettingsError
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.predictions import column, scores_file, to_grid
from gogooku3.pipeline.run_folder import Run
from gogooku3.scoring.blend import Blend, learn_weight
from gogooku3.scoring.rank_kernel import rank_columns
from gogooku3.splits.fold import Fold
from gogooku3.storage.hashing import digest_file
from gogooku3.training.fit import FoldScores


def blend_inputs(run: Run, panel: Panel, folds: Sequence[Fold], fold: Fold) -> dict[str, Any]:
    """Return what a fold's blend is made from.

    Raises:
        SettingsError: One of the two models is not trained by this run, or after the blend.
    """
    of, models = run.settings.blend.of, run.settings.train.models
    before = models[: models.index("blend")]
    missing = [name for name in of if name not in before]
    if missing:
        raise SettingsError(
            "a blend is of models that the run trains before it",
            where="train.models, blend.of",
            got=", ".join(models),
            expected=f"{', '.join(missing)} before blend",
        )
    earlier = _earlier(folds, fold)
    known, learnt = [*earlier, fold], _judged(earlier, fold)
    return {
        "of": list(of),
        "learnt": learnt.tolist(),
        "settings": run.settings.blend.model_dump(mode="json"),
        "scores": {name: [digest_file(run.path(scores_file(name, one))) for one in known] for name in of},
        "labels": panel.digest(learnt),
    }


def fit_blend(run: Run, panel: Panel, folds: Sequence[Fold], fold: Fold) -> FoldScores:
    """Learn the weights of a fold from the test sessions before it whose labels are known, and mix its scores.

    The first fold has no test sessions before it: the two count alike.
    """
    of = run.settings.blend.of
    earlier = _earlier(folds, fold)
    sessions = _judged(earlier, fold)
    weights, measured = [], []
    for target in panel.targets:
        weight, reached = 0.5, float("nan")
        if sessions.size:
            ranks = [_ranks(run, panel, name, earlier, target)[sessions - earlier[0].test[0]] for name in of]
            label = panel.target_rank(target)[sessions]
            weight, reached = learn_weight(ranks[0], ranks[1], label, run.settings.blend.steps)
        weights.append(weight)
        measured.append(reached)
    blend = Blend(of=of, weight=tuple(weights), validation=tuple(measured))
    return _mixed(run, panel, fold, blend)


def _earlier(folds: Sequence[Fold], fold: Fold) -> list[Fold]:
    return [one for one in folds if one.test[-1] < fold.test[0]]


def _judged(earlier: Sequence[Fold], fold: Fold) -> np.ndarray:
    """Return test sessions of earlier folds that the fold itself may learn from."""
    if not earlier:
        return np.zeros(0, dtype=np.int64)
    tested = np.concatenate([one.test for one in earlier])
    return np.intersect1d(tested, np.concatenate([fold.train, fold.validation]))


def _ranks(run: Run, panel: Panel, name: str, folds: Sequence[Fold], target: Target) -> np.ndarray:
    """Return a model's ranks within each session from the first test session of ``folds`` to the last."""
    start, stop = int(folds[0].test[0]), int(folds[-1].test[-1]) + 1
    frame = pl.concat([pl.read_parquet(run.path(scores_file(name, one))) for one in folds])
    grid = to_grid(panel, frame, column(name, target), start, stop).astype(np.float32)
    return np.ascontiguousarray(rank_columns(np.ascontiguousarray(grid.T)).T)


def _mixed(run: Run, panel: Panel, fold: Fold, blend: Blend) -> FoldScores:
    frames = [pl.read_parquet(run.path(scores_file(name, fold))).sort("date", "code") for name in blend.of]
    scores = [
        frame.select(column(name, target) for target in panel.targets).to_numpy().astype(np.float32)
        for name, frame in zip(blend.of, frames, strict=True)
    ]
    days = frames[0]["date"].to_numpy().astype(panel.sessions.dtype)
    session = np.searchsorted(panel.sessions, days)
    bounds = np.flatnonzero(np.diff(session, prepend=-1, append=-2))
    mixed = np.concatenate([blend.mix(scores[0][a:b], scores[1][a:b]) for a, b in pairwise(bounds)])
    place = {code: n for n, code in enumerate(panel.codes)}
    stock = frames[0]["code"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    return FoldScores(members=(blend,), scores=mixed, member_scores=mixed[None], session=session, stock=stock)
