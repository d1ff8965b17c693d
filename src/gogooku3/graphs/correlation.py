"""Pairwise-complete correlation of all pairs of columns, by products of matrices."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from gogooku3.axes import FloatWN

CorrelationNN = Float32[np.ndarray, "N N"]
_ROWS = 256  # columns with gaps that are taken at once
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
    count = seen.sum(axis=0)
    values = np.where(seen, x, 0.0)
    z = np.where(seen, x - values.sum(axis=0) / np.maximum(count, 1), 0.0)
    length = np.sqrt((z * z).sum(axis=0))
    never = (length <= _FLAT * np.sqrt((values * values).sum(axis=0))) | (count < need)
    z /= np.where(never, 1.0, length)
    product = z.T @ z
    result = product.astype(np.float32)
    gaps = np.flatnonzero(count < len(x))
    held = seen.astype(np.float64)
    for first in range(0, len(gaps), _ROWS):
        rows = gaps[first : first + _ROWS]
        part = _with_gaps(z, held, gaps, rows, product[rows], need=need)
        result[rows] = part
        result[:, rows] = part.T
    result[never] = np.nan
    result[:, never] = np.nan
    return np.clip(result, -1.0, 1.0, out=result)


def _with_gaps(
    z: FloatWN,
    held: FloatWN,
    gaps: np.ndarray,
    rows: np.ndarray,
    product: Float64[np.ndarray, "R N"],
    *,
    need: int,
) -> Float32[np.ndarray, "R N"]:
    """Return the correlations of the columns ``rows``, some of those that have gaps, with all columns.

    A column of ``z`` is 0 where nothing is held, and has mean 0 and length 1, also over the rows that it has in common
    with a column without gaps.
    """
    mine, has = z[:, rows].T, held[:, rows].T
    common, left, left_var = (np.empty(product.shape) for _ in range(3))
    common[:], left[:], left_var[:] = has.sum(axis=1, keepdims=True), 0.0, 1.0
    common[:, gaps] = has @ held[:, gaps]
    left[:, gaps] = mine @ held[:, gaps]
    left_var[:, gaps] = (mine * mine) @ held[:, gaps]
    n = np.maximum(common, 1.0)
    right = has @ z
    left_var -= left * left / n
    right_var = has @ (z * z) - right * right / n
    known = (common >= need) & (left_var > _FLAT) & (right_var > _FLAT)
    scale = np.sqrt(np.where(known, left_var * right_var, 1.0))
    part: np.ndarray = np.where(known, (product - left * right / n) / scale, np.nan).astype(np.float32)
    return part
