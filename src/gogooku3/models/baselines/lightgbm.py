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
    from lightgbm import Booster

_EDGE_SESSIONS = 120  # sessions that bin edges are taken from: some 200,000 stock-days


class LightGBMSettings(BaseModel):
    """Boosted trees; the defaults are the outcome of the search in docs/log.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: int = Field(
        4, ge=1, description="models per fold and target, averaged; each draws its own sessions"
    )
    train_share: float = Field(0.25, gt=0, le=1, description="share of the sessions that each seed draws")
    validation_every: int = Field(3, ge=1, description="every k-th validation session is used for stopping")
    leaves: int = Field(31, ge=2, description="leaves per tree")
    learning_rate: float = Field(0.08, gt=0, description="shrinkage per tree")
    max_rounds: int = Field(120, ge=1, description="trees at most")
    check_every: int = Field(20, ge=1, description="trees between looks at validation RankIC")
    patience: int = Field(3, ge=1, description="looks without a gain before stopping")
    feature_fraction: float = Field(0.1, gt=0, le=1, description="share of features offered to each tree")
    min_rows_in_leaf: int = Field(1000, ge=1, description="stock-days per leaf at least")
    l2: float = Field(30.0, ge=0, description="L2 penalty on leaf values")
    bins: int = Field(63, ge=2, description="histogram bins per feature")
    threads: int = Field(2, ge=1, description="threads; the same number gives the same bytes")


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedLightGBM:
    """One booster per target, cut at its best round.

    Attributes:
        boosters: LightGBM boosters, one a target.
        rounds: Trees kept of each.
        validation: Validation RankIC of each at that round, of the model that did not see those sessions.
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


class Binned:
    """Rows cut into histogram bins once, for all folds, seeds and targets.

    The edges come from the earliest sessions alone, which every fold trains on, so they know nothing of what is
    tested. Ranks are spread evenly by construction, so edges of early sessions fit later ones.

    Args:
        rows: All sessions, with features and rank targets.
        early: Positions of the sessions that the edges are taken from.
        settings: Number of bins.
    """

    def __init__(self, rows: Rows, early: np.ndarray, settings: LightGBMSettings) -> None:
        from lightgbm import Dataset

        self.rows = rows
        step = max(1, len(early) // _EDGE_SESSIONS)
        sample = rows.take(early[::step])
        parameters = _binning(settings)
        edges = Dataset(sample.x, label=np.zeros(len(sample.x)), params=parameters).construct()
        self._dataset = Dataset(
            rows.x, label=np.zeros(len(rows.x)), reference=edges, params=parameters, free_raw_data=True
        ).construct()

    def booster(self, sessions: np.ndarray, target: int, parameters: dict[str, Any]) -> Booster:
        """Return a booster on the rows of some sessions that have a label for the target."""
        from lightgbm import Booster

        bounds = self.rows.bounds
        index = np.concatenate([np.arange(bounds[i], bounds[i + 1]) for i in sessions])
        index = index[~np.isnan(self.rows.y[index, target])]
        if index.size == 0:
            raise ModelError(
                "a target has no labelled row", where=f"target number {target}", got=len(sessions)
            )
        part = self._dataset.subset(index.tolist()).construct()
        part.set_label(self.rows.y[index, target])
        return Booster(parameters, part)


def fit_lightgbm(
    train: Rows,
    validation: Rows,
    settings: LightGBMSettings,
    *,
    seed: int,
    refit: bool = True,
    tick: Callable[[], None] = lambda: None,
) -> tuple[FittedLightGBM, ...]:
    """Fit every seed on two sets of rows; see ``fit_binned``.

    Raises:
        ModelError: A target has no labelled training row.
    """
    early = np.arange(train.sessions)
    late = train.sessions + np.arange(validation.sessions)
    binned = Binned(train.joined(validation), early, settings)
    return fit_binned(binned, early, late, settings, seed=seed, refit=refit, tick=tick)


def fit_binned(
    binned: Binned,
    train: np.ndarray,
    validation: np.ndarray,
    settings: LightGBMSettings,
    *,
    seed: int,
    refit: bool = True,
    tick: Callable[[], None] = lambda: None,
) -> tuple[FittedLightGBM, ...]:
    """Choose each target's number of trees on the validation sessions, then fit every seed on both parts.

    The number of trees is where validation RankIC is highest for a model that saw the training sessions alone.
    With ``refit`` the members then learn from training and validation sessions together, so that the latest year is
    not lost. Each draws its own sessions.

    Args:
        binned: All rows.
        train: Positions of the sessions to learn from.
        validation: Positions of later sessions.
        settings: How to grow trees.
        seed: Seed of the first member; the others count up from it.
        refit: Let the members learn from the validation sessions too.
        tick: Called after each of the (1 + seeds) x T fits.

    Raises:
        ModelError: A target has no labelled training row.
    """
    watched = binned.rows.take(validation[:: settings.validation_every])
    learnt = np.concatenate([train, validation]) if refit else train
    drawn = _draw(train, settings, seed)
    targets = range(binned.rows.y.shape[1])
    rounds, measured = [], []
    for target in targets:
        booster = binned.booster(drawn, target, _parameters(settings, seed))
        best_round, best = _best_round(booster, watched, target, settings)
        rounds.append(best_round)
        measured.append(best)
        tick()
    members = []
    for member in range(seed, seed + settings.seeds):
        drawn = _draw(learnt, settings, member)
        boosters = []
        for target in targets:
            booster = binned.booster(drawn, target, _parameters(settings, member))
            for _ in range(rounds[target]):
                booster.update()
            booster.free_dataset()
            boosters.append(booster)
            tick()
        members.append(
            FittedLightGBM(boosters=tuple(boosters), rounds=tuple(rounds), validation=tuple(measured))
        )
    return tuple(members)


def _draw(sessions: np.ndarray, settings: LightGBMSettings, seed: int) -> np.ndarray:
    size = max(1, round(settings.train_share * len(sessions)))
    return np.sort(np.random.default_rng(seed).choice(sessions, size=size, replace=False))


def _best_round(
    booster: Booster, watched: Rows, target: int, settings: LightGBMSettings
) -> tuple[int, float]:
    """Grow trees until validation RankIC has not risen for ``patience`` looks."""
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
    return best_round, best


def _binning(settings: LightGBMSettings) -> dict[str, Any]:
    return {
        "max_bin": settings.bins,
        "num_threads": settings.threads,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }


def _parameters(settings: LightGBMSettings, seed: int) -> dict[str, Any]:
    return {
        **_binning(settings),
        "objective": "l2",
        "boost_from_average": False,
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "feature_fraction": settings.feature_fraction,
        "min_data_in_leaf": settings.min_rows_in_leaf,
        "lambda_l2": settings.l2,
        "seed": seed,
        "deterministic": True,
    }
