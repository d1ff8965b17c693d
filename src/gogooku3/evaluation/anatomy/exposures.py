"""What the scores resemble."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float32, Float64

from gogooku3.axes import BoolDN
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.anatomy import rank_kernel
from gogooku3.evaluation.anatomy.anatomy import Exposure
from gogooku3.evaluation.anatomy.ordered_grid import order_rows
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import summarise
from gogooku3.labels.target import Target
from gogooku3.ranks import average_ranks

ScoreKey = tuple[str, Target]


def measure_exposures(
    scores: Mapping[ScoreKey, np.ndarray],
    blocks: Iterable[tuple[slice, np.ndarray]],
    *,
    features: Sequence[str],
    universe: BoolDN,
    settings: EvaluationSettings,
) -> dict[ScoreKey, tuple[Exposure, ...]]:
    """Return the mean daily rank correlation of every score with every feature, strongest first.

    One pass over the features serves all scores: a block of them is held at a time, and of each score its ranks
    (float32 [D, N]). A correlation is Spearman's over the names that have both.

    Args:
        scores: Per model and target a grid [D, N], NaN where none; each is read once.
        blocks: Rows of the tested period and their features, float32 or float16 [L, N, F], each row
            once at most, in any order.
        features: Names of the F features.
        universe: Membership, [D, N].
        settings: How to judge. Neighbouring correlations overlap as the labels of the target do, at least.

    Raises:
        EvaluationError: Scores or features are not aligned, a row is given twice, or a value is infinite.
    """
    keys = list(scores)
    ranks = _ranked(scores, universe)
    values = np.full((len(keys), len(features), len(universe)), np.nan)
    seen = np.zeros(len(universe), dtype=np.bool_)
    for rows, block in blocks:
        wanted = (len(seen[rows]), universe.shape[1], len(features))
        if block.shape != wanted or seen[rows].any():
            raise EvaluationError(
                "features are not aligned",
                where=f"rows {rows.start} to {rows.stop}",
                got=f"{block.shape}{', rows given before' if seen[rows].any() else ''}",
                expected=wanted,
            )
        seen[rows] = True
        for row, session in enumerate(range(*rows.indices(len(seen)))):
            values[:, :, session] = _session(ranks[:, session], block[row], settings.min_names)
    return {
        key: _strongest_first(features, values[index], key[1].horizon, settings)
        for index, key in enumerate(keys)
    }


def _ranked(scores: Mapping[ScoreKey, np.ndarray], universe: BoolDN) -> Float32[np.ndarray, "S D N"]:
    """Return ranks, which float32 holds exactly, so that scores of any precision keep their order."""
    ranks = np.empty((len(scores), *universe.shape), dtype=np.float32)
    for index, (model, target) in enumerate(scores):
        grid = scores[model, target]
        if grid.shape != universe.shape:
            raise EvaluationError(
                "grids are not aligned",
                where=f"scores of model {model}, target {target}",
                got=grid.shape,
                expected=universe.shape,
            )
        ranks[index] = average_ranks(np.where(universe, grid, np.nan))
    return ranks


def _session(
    ranks: Float32[np.ndarray, "S N"], features: np.ndarray, min_names: int
) -> Float64[np.ndarray, "S F"]:
    names = np.flatnonzero(np.isfinite(ranks).any(axis=0))
    columns = np.ascontiguousarray(features[names].T, dtype=np.float32)
    if np.isinf(columns).any():
        raise EvaluationError("features hold infinite values", expected="finite or NaN")
    pair = [(g, order_rows(g), np.isfinite(g).sum(axis=1)) for g in (ranks[:, names], columns)]
    values: np.ndarray = rank_kernel.correlate_rows(pair[0], pair[1], min_names)
    return values


def _strongest_first(
    features: Sequence[str],
    values: Float64[np.ndarray, "F D"],
    horizon: int,
    settings: EvaluationSettings,
) -> tuple[Exposure, ...]:
    found = [
        Exposure(feature=name, correlation=summarise(series, horizon=horizon, settings=settings))
        for name, series in zip(features, values, strict=True)
    ]

    def weakness(exposure: Exposure) -> float:
        mean = exposure.correlation.mean
        return -abs(mean) if math.isfinite(mean) else math.inf

    return tuple(sorted(found, key=weakness))
