"""Gradient-boosted trees on per-day ranks, trained towards rank targets, averaged over seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32
from pydantic import BaseModel, ConfigDict, Field

from gogooku3.axes import RowsRF
from gogooku3.errors import ModelError
from gogooku3.models.baselines.rows import Rows
from gogooku3.models.baselines.validation import validation_rank_ic

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset


class LightGBMSettings(BaseModel):
    """Boosted trees; the defaults are the outcome of the search in docs/log.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: int = Field(
        3, ge=1, description="models per fold and target, averaged; each sees its own sessions"
    )
    train_share: float = Field(
        0.34, gt=0, le=1, description="share of training sessions that each seed draws"
    )
    validation_every: int = Field(3, ge=1, description="every k-th validation session is used for stopping")
    leaves: int = Field(31, ge=2, description="leaves per tree")
    learning_rate: float = Field(0.05, gt=0, description="shrinkage per tree")
    max_rounds: int = Field(200, ge=1, description="trees at most")
    check_every: int = Field(20, ge=1, description="trees between looks at validation RankIC")
    patience: int = Field(3, ge=1, description="looks without a gain before stopping")
    feature_fraction: float = Field(0.2, gt=0, le=1, description="share of features offered to each tree")
    min_rows_in_leaf: int = Field(1000, ge=1, description="stock-days per leaf at least")
    l2: float = Field(10.0, ge=0, description="L2 penalty on leaf values")
    bins: int = Field(63, ge=2, description="histogram bins per feature")
    threads: int = Field(2, ge=1, description="threads; the same number gives the same bytes")


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedLightGBM:
    """One booster per target, cut at its best round.

    Attributes:
        boosters: LightGBM boosters, one a target.
        rounds: Trees kept of each.
        validation: Validation RankIC of each at that round.
    """

    boosters: tuple[Booster, ...]
    rounds: tuple[int, ...]
    validation: tuple[float, ...]

    def predict(self, x: RowsRF) -> Float32[np.ndarray, "R T"]:
        """Return scores [R, T]."""
        columns = [
            booster.predict(x, num_iteration=rounds)
            for booster, rounds in zip(self.boosters, self.rounds, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def text(self) -> list[str]:
        """Return each booster in LightGBM's own text form, cut at its best round; no pickle."""
        return [
            booster.model_to_string(num_iteration=rounds)
            for booster, rounds in zip(self.boosters, self.rounds, strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write all boosters as one JSON file of LightGBM's text form."""
        import json

        value = {"boosters": self.text(), "rounds": self.rounds, "validation": self.validation}
        path.write_text(json.dumps(value), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> FittedLightGBM:
        """Read what ``save`` wrote."""
        import json

        from lightgbm import Booster

        value = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            boosters=tuple(Booster(model_str=text) for text in value["boosters"]),
            rounds=tuple(value["rounds"]),
            validation=tuple(value["validation"]),
        )


def fit_lightgbm(
    train: Rows,
    validation: Rows,
    settings: LightGBMSettings,
    *,
    seed: int,
    tick: Callable[[], None] = lambda: None,
) -> FittedLightGBM:
    """Fit every target on a seeded draw of sessions; ``tick`` is called after each target.

    The features are binned once and shared by all targets.

    Raises:
        ModelError: A target has no labelled training row.
    """
    from lightgbm import Dataset

    generator = np.random.default_rng(seed)
    size = max(1, round(settings.train_share * train.sessions))
    drawn = train.take(np.sort(generator.choice(train.sessions, size=size, replace=False)))
    watched = validation.take(np.arange(0, validation.sessions, settings.validation_every))
    parameters = _parameters(settings, seed)
    binned = Dataset(drawn.x, label=np.zeros(len(drawn.x)), params=parameters, free_raw_data=True).construct()
    fits = []
    for target in range(drawn.y.shape[1]):
        labelled = np.flatnonzero(~np.isnan(drawn.y[:, target]))
        if labelled.size == 0:
            raise ModelError(
                "a target has no labelled training row", where=f"target {target}", got=len(drawn.y)
            )
        part = binned.subset(labelled.tolist()).construct()
        part.set_label(drawn.y[labelled, target])
        fits.append(_boost(part, watched, target, settings, parameters))
        tick()
    boosters, rounds, measured = zip(*fits, strict=True)
    return FittedLightGBM(boosters=boosters, rounds=rounds, validation=measured)


def _boost(
    part: Dataset, watched: Rows, target: int, settings: LightGBMSettings, parameters: dict[str, Any]
) -> tuple[Booster, int, float]:
    """Grow trees until validation RankIC has not risen for ``patience`` looks."""
    from lightgbm import Booster

    booster = Booster(parameters, part)
    scores = np.zeros(len(watched.x))
    best, best_round, grown = -np.inf, 0, 0
    while grown < settings.max_rounds:
        step = min(settings.check_every, settings.max_rounds - grown)
        for _ in range(step):
            booster.update()
        scores += booster.predict(watched.x, start_iteration=grown, num_iteration=step)
        grown += step
        reached = validation_rank_ic(watched, target, scores)
        if reached > best:
            best, best_round = reached, grown
        elif grown - best_round >= settings.patience * settings.check_every:
            break
    booster.free_dataset()
    return booster, best_round, best


def _parameters(settings: LightGBMSettings, seed: int) -> dict[str, Any]:
    return {
        "objective": "l2",
        "boost_from_average": False,
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "feature_fraction": settings.feature_fraction,
        "min_data_in_leaf": settings.min_rows_in_leaf,
        "lambda_l2": settings.l2,
        "max_bin": settings.bins,
        "seed": seed,
        "num_threads": settings.threads,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
