"""A deep model on one fold: choose the epochs, train the members, score the test sessions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from gogooku3.models.deep_model import DeepModel
from gogooku3.scoring.deep_member import DeepMember
from gogooku3.scoring.scorer import mean_rank
from gogooku3.splits.fold import Fold
from gogooku3.training.checked_scores import checked_scores
from gogooku3.training.course import Course, Trained
from gogooku3.training.deep_trainer import DeepTrainer
from gogooku3.training.device import device_of
from gogooku3.training.fit import FoldScores


@dataclass(frozen=True, eq=False, kw_only=True)
class DeepFit:
    """A deep model over walk-forward folds.

    Attributes:
        trainer: Trains on the panel's sessions.
        make_model: Returns the model with fresh weights.
        described: What a file of a member says of its architecture.
        seed: Seed of the first member; the others count up from it.
        refit: Let the members learn from the validation sessions too, for the epochs that the first training
            chose there.
        folder: Where checkpoints of unfinished trainings are kept.
    """

    trainer: DeepTrainer
    make_model: Callable[[], DeepModel]
    described: Mapping[str, Any]
    seed: int
    refit: bool
    folder: Path

    def fit(self, name: str, fold: Fold, key: str) -> FoldScores:
        """Train all members on a fold and score its test sessions.

        As with LightGBM, one training on the training sessions alone finds the number of epochs at which validation
        RankIC is highest; with ``refit`` the members then learn from training and validation sessions together for as
        many epochs, on the same course of the learning rate.

        Args:
            name: Name of the model.
            fold: Sessions of the panel.
            key: Digest of everything that the result depends on.

        Raises:
            ModelError: A training broke off, or scores are degenerate.
        """
        deep = self.trainer.recipe.deep
        seeds = range(self.seed, self.seed + deep.seeds)
        chosen = self._train(name, fold, key, self.seed, choose=True) if self.refit else None
        trained = [self._train(name, fold, key, seed, choose=not self.refit, chosen=chosen) for seed in seeds]
        members = tuple(
            DeepMember(
                described=self.described,
                weights=one.weights,
                epochs=one.epochs,
                validation=(chosen or one).validation,
            )
            for one in trained
        )
        return self._score(name, fold, members)

    def _train(
        self, name: str, fold: Fold, key: str, seed: int, *, choose: bool, chosen: Trained | None = None
    ) -> Trained:
        deep = self.trainer.recipe.deep
        epochs = chosen.epochs if chosen else None
        part = "choosing" if choose and self.refit else f"seed {seed}"
        learnt = fold.train if choose else np.sort(np.concatenate([fold.train, fold.validation]))
        course = Course(
            name=f"{name}, fold {fold.name}, {part}",
            key=f"{key} {part} {epochs}",
            seed=seed,
            sessions=learnt,
            watched=fold.validation if choose else fold.validation[:0],
            epochs=deep.epochs,
            stop_after=epochs or deep.epochs,
            replayed=chosen.history if chosen else (),
        )
        return self.trainer.train(
            self.make_model, course, self.folder / f"{name}-{fold.name}-{part}".replace(" ", "")
        )

    def _score(self, name: str, fold: Fold, members: tuple[DeepMember, ...]) -> FoldScores:
        data, device = self.trainer.data, device_of(self.trainer.recipe.deep)
        session, stock = np.nonzero(data.source.universe[fold.test])
        found = []
        for seed, member in enumerate(members, self.seed):
            model = self.make_model().to(device)
            model.load_state_dict(dict(member.weights))
            where = f"{name}, fold {fold.name}, seed {seed}"
            grid = checked_scores(model, data, fold.test, where, seed=seed, device=device)
            found.append(grid[session, stock])
        member_scores = np.stack(found)
        return FoldScores(
            members=members,
            scores=_combined(member_scores, session),
            member_scores=member_scores,
            session=fold.test[session],
            stock=stock,
        )


def _combined(scores: Float32[np.ndarray, "S R T"], session: np.ndarray) -> Float32[np.ndarray, "R T"]:
    """Return one score a stock-day of those of the members; ``session`` of each row is increasing."""
    bounds = np.flatnonzero(np.diff(session, prepend=-1, append=-2))
    parts = [mean_rank(scores[:, a:b]) for a, b in itertools.pairwise(bounds)]
    return np.concatenate(parts) if parts else scores[0]
