"""One model on one fold: fit, measure, predict the test sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import IndexR
from gogooku3.errors import ModelError
from gogooku3.models.baselines.lightgbm import Binned, LightGBMSettings, fit_binned
from gogooku3.models.baselines.ridge import RidgeSettings, fit_ridge
from gogooku3.models.names import RowModelName
from gogooku3.scoring.fitted import Fitted, Member
from gogooku3.splits.fold import Fold
from gogooku3.training.ranked_rows import RankedRows
from gogooku3.training.settings import TrainSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class FoldScores:
    """Out-of-sample scores of one model on one fold.

    Attributes:
        members: The fitted models, one a seed.
        scores: Mean of the members' scores, float32 [R, T].
        member_scores: Scores of each member, float32 [seeds, R, T].
        session: Session index of each row, int64 [R].
        stock: Index into the panel's codes, int64 [R].
    """

    members: tuple[Member, ...]
    scores: Float32[np.ndarray, "R T"]
    member_scores: Float32[np.ndarray, "S R T"]
    session: IndexR
    stock: IndexR


class FoldFitter:
    """Fits models on the folds of one panel; what folds share is made once.

    Args:
        data: All rows.
        early: Training sessions of the first fold, which every fold trains on.
        ridge: Settings of ridge.
        lightgbm: Settings of LightGBM.
        settings: First seed, and whether members learn from the validation sessions too.
    """

    def __init__(
        self,
        data: RankedRows,
        early: np.ndarray,
        *,
        ridge: RidgeSettings,
        lightgbm: LightGBMSettings,
        settings: TrainSettings,
    ) -> None:
        self.data, self.early, self.settings = data, early, settings
        self.ridge, self.lightgbm = ridge, lightgbm

    @cached_property
    def binned(self) -> Binned:
        """All rows in the histogram bins of LightGBM."""
        return Binned(self.data.rows, self.early, self.lightgbm)

    def fit(self, model: RowModelName, fold: Fold, tick: Callable[[], None] = lambda: None) -> FoldScores:
        """Fit a model on a fold's training and validation sessions and score its test sessions.

        Args:
            model: One member for ridge, one per seed for LightGBM.
            fold: Sessions of the panel.
            tick: Called once a fit.

        Raises:
            ModelError: A target has no labels to train on, or its scores are constant across stocks.
        """
        members = self._members(model, fold, tick)
        test, stock = self.data.sessions(fold.test)
        member_scores = np.stack([member.predict(test.x) for member in members])
        refuse_constant(member_scores, test.bounds, f"{model}, fold {fold.name}")
        return FoldScores(
            members=members,
            scores=member_scores.mean(axis=0, dtype=np.float64).astype(np.float32),
            member_scores=member_scores,
            session=np.repeat(fold.test, np.diff(test.bounds)),
            stock=stock,
        )

    def _members(self, model: RowModelName, fold: Fold, tick: Callable[[], None]) -> tuple[Fitted, ...]:
        if model == "lightgbm":
            return fit_binned(
                self.binned,
                fold.train,
                fold.validation,
                self.lightgbm,
                seed=self.settings.seed,
                refit=self.settings.refit,
                tick=tick,
            )
        train, _ = self.data.sessions(fold.train)
        validation, _ = self.data.sessions(fold.validation)
        fitted = fit_ridge(train, validation, self.ridge, refit=self.settings.refit)
        for _ in fitted.validation:
            tick()
        return (fitted,)


def refuse_constant(scores: Float32[np.ndarray, "S R T"], bounds: np.ndarray, where: str) -> None:
    """A score that does not tell the stocks of a session apart is an error of the model, never a result."""
    starts = bounds[:-1][np.diff(bounds) > 1]
    if starts.size == 0:
        return
    stops = bounds[1:][np.diff(bounds) > 1]
    for seed in range(scores.shape[0]):
        for target in range(scores.shape[2]):
            column = scores[seed, :, target]
            varies = any(np.ptp(column[a:b]) > 0 for a, b in zip(starts, stops, strict=True))
            if not varies or not np.isfinite(column).all():
                raise ModelError(
                    "a model's scores are constant across stocks or not finite",
                    where=f"{where}, seed {seed}, target number {target}",
                    got=f"values from {np.min(column)} to {np.max(column)}",
                    remedy="give it more rows, or weaken its regularisation",
                )
