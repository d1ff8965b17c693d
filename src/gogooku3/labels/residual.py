"""Residual returns: what a label keeps once the day's sector, or the market by its beta, is taken off."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Float64

from gogooku3.axes import BoolDN, FloatDN
from gogooku3.errors import DataError
from gogooku3.labels.ranks import rank_targets


def sector_neutral(returns: Float[np.ndarray, "D N"], sector: np.ndarray, universe: BoolDN) -> FloatDN:
    """Return forward returns less the mean of their sector among the labelled universe of the session.

    A sector with fewer than two such members has no mean of its own: its stocks, and those of no known sector, lose
    the mean of the session instead. Stocks outside the universe are measured against the means that it sets.

    Args:
        returns: Forward returns of one target, NaN where there is none.
        sector: Of each stock, [N] or [D, N]: names, "" where unknown, or whole numbers, negative where unknown.
        universe: Who sets the means.

    Returns:
        NaN where there is no return, and on sessions where no member has one.

    Raises:
        DataError: Sectors do not fit the returns.
    """
    if sector.shape not in (returns.shape, returns.shape[1:]):
        raise DataError(
            "sectors do not fit the returns",
            got=sector.shape,
            expected=f"{returns.shape[1:]} or {returns.shape}",
        )
    names, index = np.unique(sector, return_inverse=True)
    unknown = names == "" if names.dtype.kind in "OU" else names < 0
    group = np.broadcast_to(index.reshape(sector.shape), returns.shape)
    sessions, groups = len(returns), max(len(names), 1)
    cell = np.arange(sessions)[:, None] * groups + group
    member = universe & ~np.isnan(returns)
    count = np.bincount(cell[member], minlength=sessions * groups).reshape(sessions, groups)
    total = np.bincount(cell[member], weights=returns[member], minlength=sessions * groups)
    own = (count >= 2) & ~np.resize(unknown, groups)
    mean = np.where(own, total.reshape(count.shape) / np.maximum(count, 1), _market(returns, universe))
    residual: FloatDN = returns - np.take_along_axis(mean, group, axis=1)
    return residual


def beta_neutral(
    returns: Float[np.ndarray, "D N"], beta: Float[np.ndarray, "D N"], universe: BoolDN
) -> FloatDN:
    """Return forward returns less beta times the mean return of the labelled universe of the session.

    Args:
        returns: Forward returns of one target, NaN where there is none.
        beta: Slope on the market as known at the session, from the past alone; NaN where unknown.
        universe: Who is the market.

    Returns:
        NaN where there is no return or no beta, and on sessions where no member has a return.
    """
    residual: FloatDN = returns - beta.astype(np.float64) * _market(returns, universe)
    return residual


def neutral_ranks(values: Float[np.ndarray, "D N"], universe: BoolDN) -> Float32[np.ndarray, "D N"]:
    """Return per-day ranks of one target as ``rank_targets`` makes them, in (-0.5, 0.5), NaN where there is none."""
    return rank_targets(values[:, :, None], universe)[:, :, 0]


def _market(returns: Float[np.ndarray, "D N"], universe: BoolDN) -> Float64[np.ndarray, "D 1"]:
    """Return the mean of the labelled universe of each session, NaN where it is empty."""
    member = universe & ~np.isnan(returns)
    count = member.sum(axis=1, keepdims=True)
    total = np.where(member, returns, 0.0).sum(axis=1, keepdims=True, dtype=np.float64)
    mean: np.ndarray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
