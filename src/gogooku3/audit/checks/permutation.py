"""Labels shuffled within each day: whoever still predicts anything has seen what it should not."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from gogooku3.audit.base import Base
from gogooku3.audit.part import Part
from gogooku3.audit.violation import Violation
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.evaluation.significance import MeanTest, ewc_test, non_overlapping_test
from gogooku3.models.baselines.rows import Rows
from gogooku3.models.names import DeepName, RowModelName, deep_of, of_rows
from gogooku3.pipeline.deep import Material
from gogooku3.splits.fold import Fold
from gogooku3.training.fit import FoldFitter, FoldScores
from gogooku3.training.ranked_rows import RankedRows

_NEGLIGIBLE = 1e-3  # RankIC: a mirrored pair of fits cancels to this


def check_permutation(base: Base, fold: Fold) -> Part:
    """Train on labels that are permuted across the stocks of each day, and on the same labels with the sign turned.

    Two things have to be noise. First the RankIC of the scores with the permuted labels of the test days: given the
    scores those are exchangeable and independent from day to day, so Student's interval of the daily mean holds
    (``non_overlapping_test`` at horizon 1). Second the RankIC with the true labels: one model of noise may well go
    with the market's true direction, but the model of the mirrored labels then goes against it by as much, so the
    mean of the two is what is tested. A deep model's first weights go with the market or against it whatever its
    labels are, and do not turn with them: it is tested on the permuted labels only. The level is ``alpha``
    over all tests together (Bonferroni).
    """
    panel, settings = base.panel, base.run.settings
    data = base.rows
    shuffled = _shuffled(data.rows, np.random.default_rng([base.audit.seed, 3]))
    rows, deep = of_rows(settings.train.models), deep_of(settings.train.models)
    tests = (2 * len(rows) + len(deep)) * len(panel.targets)
    level = 1 - base.audit.alpha / tests
    found: list[Violation] = []
    facts: dict[str, Any] = {"fold": fold.name, "level": level, "tests": tests, "rank_ic": {}}
    for model in rows:
        ahead = _scores(base, data, shuffled, model, fold)
        behind = _scores(base, data, -shuffled, model, fold)
        for column, target in enumerate(panel.targets):
            noise = _daily(data, ahead, shuffled, column, fold)
            true = (
                _daily(data, ahead, data.rows.y, column, fold)
                + _daily(data, behind, data.rows.y, column, fold)
            ) / 2
            name = f"{model} {target}"
            found += _judged(facts, name, "permuted", non_overlapping_test(noise, confidence=level))
            found += _judged(facts, name, "true", ewc_test(true, confidence=level))
    for one in deep:
        for target, noise in zip(panel.targets, _deep_noise(base, one, fold), strict=True):
            result = non_overlapping_test(noise, confidence=level)
            found += _judged(facts, f"{one} {target}", "permuted", result)
    return Part(name=f"permutation fold {fold.name}", facts=facts, violations=tuple(found))


def _judged(facts: dict[str, Any], name: str, what: str, result: MeanTest) -> list[Violation]:
    """Note a test's mean and bound; return the violation if there is one."""
    mean, bound = _tested(result)
    row = facts["rank_ic"].setdefault(name, {})
    row[what], row[f"{what}_bound"] = round(mean, 6), round(bound, 6)
    if abs(mean) <= max(bound, _NEGLIGIBLE):
        return []
    return [
        Violation(
            stage="permutation",
            name=f"{name}, {what} labels",
            detail=f"RankIC {mean:+.4f} after training on permuted labels; noise stays within "
            f"{max(bound, _NEGLIGIBLE):.4f}",
            cause=f"labels permuted, fold {facts['fold']}",
        )
    ]


def _deep_noise(base: Base, model: DeepName, fold: Fold) -> list[np.ndarray]:
    """Return, target by target, the RankIC of each test session with the permuted labels that the model learnt."""
    known = base.deep.material(model)
    rng = np.random.default_rng([base.audit.seed, 3])
    labels = known.labels.copy()
    for day in labels:
        for column in day.T:
            place = np.flatnonzero(~np.isnan(column))
            column[place] = column[rng.permutation(place)]
    scores = base.deep.fit(model, fold, "permuted", Material(source=known.source, labels=labels))
    grid = np.full(labels.shape, np.nan)
    grid[scores.session, scores.stock] = scores.scores
    tested = labels[fold.test].astype(np.float64)
    return [daily_rank_ic(grid[fold.test][..., t], tested[..., t]).values for t in range(labels.shape[2])]


def _shuffled(rows: Rows, rng: np.random.Generator) -> np.ndarray:
    """Permute each target's labels among the labelled stocks of each session."""
    y = rows.y.copy()
    for start, stop in zip(rows.bounds[:-1], rows.bounds[1:], strict=True):
        for column in range(y.shape[1]):
            place = start + np.flatnonzero(~np.isnan(y[start:stop, column]))
            y[place, column] = y[rng.permutation(place), column]
    return y


def _scores(base: Base, data: RankedRows, y: np.ndarray, model: RowModelName, fold: Fold) -> FoldScores:
    settings = base.run.settings
    fitter = FoldFitter(
        replace(data, rows=replace(data.rows, y=y)),
        base.folds[0].train,
        ridge=settings.ridge,
        lightgbm=settings.lightgbm,
        settings=settings.train,
    )
    return fitter.fit(model, fold)


def _daily(data: RankedRows, scores: FoldScores, y: np.ndarray, column: int, fold: Fold) -> np.ndarray:
    """RankIC of each test session, scores and labels matched by session and stock."""
    bounds = data.rows.bounds
    shape = (int(fold.test[-1]) + 1, int(data.stock.max(initial=0)) + 1)
    label, score = np.full(shape, np.nan), np.full(shape, np.nan)
    label[np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)), data.stock] = y[:, column]
    score[scores.session, scores.stock] = scores.scores[:, column]
    return daily_rank_ic(score[fold.test], label[fold.test]).values


def _tested(result: MeanTest) -> tuple[float, float]:
    """Return the mean and how far from 0 noise may carry it; 0 where the series does not vary."""
    bound = (result.high - result.low) / 2
    return result.mean, bound if math.isfinite(bound) else 0.0
