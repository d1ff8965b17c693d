"""Pairwise-complete correlation of all pairs of columns, by products of matrices."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import FloatWN

CorrelationNN = Float32[np.ndarray, "N N"]
_ROWS = 512  # incomplete stocks that are taken at once
_FLAT = 1e-12  # share of its sum of squares below which a column does not vary


def correlation(x: FloatWN, need: int) -> CorrelationNN:
    """Return Pearson's correlation of every pair of columns over the rows that both have.

    Columns without a gap need one product of matrices, the others five. It is computed in double precision and
    rounded to float32 at the end, so that the last bits of a product, which depend on the number of threads, are lost.

    Args:
        x: Values, NaN where there is none, [W, N].
        need: Rows that a pair must have in common.

    Returns:
        float32 [N, N], symmetric; NaN for pairs with too few common rows or a side that does not vary on them.
    """
    seen = np.isfinite(x)
    count = np.maximum(seen.sum(axis=0), 1)
    squares = np.where(seen, x, 0.0)
    z = np.where(seen, x - squares.sum(axis=0) / count, 0.0)
    np.square(squares, out=squares)
    length = np.sqrt((z * z).sum(axis=0))
    flat = length <= _FLAT * np.sqrt(squares.sum(axis=0))
    z /= np.where(flat, 1.0, length)
    result = (z.T @ z).astype(np.float32)
    missing = np.flatnonzero(~seen.all(axis=0))
    held = seen.astype(np.float64)
    for first in range(0, len(missing), _ROWS):
        rows = missing[first : first + _ROWS]
        part = _incomplete(z, held, rows, need)
        result[rows] = part
        result[:, rows] = part.T
    never = flat | (seen.sum(axis=0) < need)
    result[never] = np.nan
    result[:, never] = np.nan
    return np.clip(result, -1.0, 1.0, out=result)


def _incomplete(z: FloatWN, held: FloatWN, rows: np.ndarray, need: int) -> np.ndarray:
    """Return the correlations of some columns with all [R, N]; ``z`` is 0 where nothing is held."""
    mine, has = z[:, rows].T, held[:, rows].T
    common = has @ held
    n = np.maximum(common, 1.0)
    left, right = mine @ held, has @ z
    left_var = (mine * mine) @ held - left * left / n
    right_var = has @ (z * z) - right * right / n
    covariance = mine @ z - left * right / n
    known = (common >= need) & (left_var > _FLAT) & (right_var > _FLAT)
    product = np.where(known, left_var * right_var, 1.0)
    part: np.ndarray = np.where(known, covariance / np.sqrt(product), np.nan).astype(np.float32)
    return part
