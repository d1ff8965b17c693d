"""Ridge regression on per-day ranks, by its normal equations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import Float32, Float64
from pydantic import BaseModel, ConfigDict, Field

from gogooku3.axes import RowsRF
from gogooku3.errors import ModelError
from gogooku3.models.baselines.rows import Rows
from gogooku3.models.baselines.validation import validation_rank_ic

_CHUNK = 65_536  # rows at a time, so that no second copy of the features is made


class RidgeSettings(BaseModel):
    """Ridge regression; each target's penalty is chosen by validation RankIC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.001, 0.01, 0.1, 1.0),
        min_length=1,
        description="penalties tried, as a share of the mean diagonal of X'X",
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedRidge:
    """Weights of every target.

    Attributes:
        weights: float64 [F, T]; a missing feature counts as the middle rank, 0.
        penalty: The chosen penalty of each target.
        validation: Validation RankIC of each target at its penalty.
    """

    weights: Float64[np.ndarray, "F T"]
    penalty: tuple[float, ...]
    validation: tuple[float, ...]

    def predict(self, x: RowsRF) -> Float32[np.ndarray, "R T"]:
        """Return scores [R, T]."""
        scores = np.empty((len(x), self.weights.shape[1]), dtype=np.float32)
        for start in range(0, len(x), _CHUNK):
            part = np.nan_to_num(x[start : start + _CHUNK]).astype(np.float64)
            # einsum, since BLAS rounds a row differently by how many rows stand beside it
            scores[start : start + _CHUNK] = np.einsum("rf,ft->rt", part, self.weights)
        return scores

    def save(self, path: Path) -> None:
        """Write weights as safetensors."""
        from safetensors.numpy import save

        tensors = {
            "weights": self.weights,
            "penalty": np.array(self.penalty),
            "validation": np.array(self.validation),
        }
        path.write_bytes(save(tensors))

    @classmethod
    def load(cls, path: Path) -> FittedRidge:
        """Read what ``save`` wrote."""
        from safetensors.numpy import load_file

        tensors = load_file(path)
        return cls(
            weights=tensors["weights"],
            penalty=tuple(tensors["penalty"].tolist()),
            validation=tuple(tensors["validation"].tolist()),
        )


def fit_ridge(train: Rows, validation: Rows, settings: RidgeSettings, *, refit: bool = True) -> FittedRidge:
    """Choose each target's penalty on the validation sessions, then, with ``refit``, fit on both parts.

    There is no intercept, since ranks are centred on every session. The Gram matrix is made once of all rows;
    a target without some labels subtracts the Gram of those rows.

    Raises:
        ModelError: A target has no labelled training row, or its weights overflow.
    """
    early = _Moments.of(train)
    whole = early.plus(_Moments.of(validation)) if refit else early
    watched = np.nan_to_num(validation.x)
    chosen, penalties, measured = [], [], []
    for target in range(train.y.shape[1]):
        if np.isnan(train.y[:, target]).all():
            raise ModelError(
                "a target has no labelled row", where=f"target number {target}", got=len(train.y)
            )
        tried = [
            (validation_rank_ic(validation, target, _scores(watched, early.solve(target, p))), p)
            for p in settings.penalties
        ]
        best, penalty = max(tried)
        measured.append(best)
        penalties.append(penalty)
        chosen.append(whole.solve(target, penalty))
    return FittedRidge(weights=np.stack(chosen, axis=1), penalty=tuple(penalties), validation=tuple(measured))


def _scores(x: RowsRF, weights: np.ndarray) -> Float32[np.ndarray, " R"]:
    """Return scores to choose by; OpenBLAS flags what it reads beside a narrow matrix, so the result decides."""
    with np.errstate(invalid="ignore"):
        scores: np.ndarray = x @ weights.astype(np.float32)
    if not np.isfinite(scores).all():
        raise ModelError(
            "ridge gives scores that are not finite",
            got=f"weights from {weights.min()} to {weights.max()}",
            remedy="look for constant or repeated features",
        )
    return scores


@dataclass(frozen=True, eq=False)
class _Moments:
    """Sums over rows: X'X per target over its labelled rows [T, F, F], and X'y [F, T]."""

    gram: np.ndarray
    moment: np.ndarray

    @classmethod
    def of(cls, rows: Rows) -> _Moments:
        width, targets = rows.x.shape[1], rows.y.shape[1]
        gram = np.zeros((width, width))
        moment = np.zeros((width, targets))
        for start in range(0, len(rows.x), _CHUNK):
            x = np.nan_to_num(rows.x[start : start + _CHUNK])
            gram += x.T @ x  # float32 within a chunk, float64 across chunks
            moment += x.T @ np.nan_to_num(rows.y[start : start + _CHUNK])  # a missing label carries no moment
        missing = [_gram_of(rows.x, np.isnan(rows.y[:, target])) for target in range(targets)]
        return cls(np.stack([gram - part for part in missing]), moment)

    def plus(self, other: _Moments) -> _Moments:
        return _Moments(self.gram + other.gram, self.moment + other.moment)

    def solve(self, target: int, penalty: float) -> np.ndarray:
        matrix = self.gram[target]
        damped = matrix + penalty * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
        weights: np.ndarray = np.linalg.solve(damped, self.moment[:, target])
        return weights


def _gram_of(x: RowsRF, picked: np.ndarray) -> np.ndarray:
    gram = np.zeros((x.shape[1], x.shape[1]))
    index = np.flatnonzero(picked)
    for start in range(0, len(index), _CHUNK):
        part = np.nan_to_num(x[index[start : start + _CHUNK]])
        gram += part.T @ part
    return gram
