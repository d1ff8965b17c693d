"""What a label keeps once sectors and characteristics are regressed out of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from gogooku3.axes import BoolDN, FloatDN

_RIDGE = 1e-3  # of the normal equations, so that an empty sector or a constant characteristic does no harm
_TAIL = 0.005  # share of a session's returns at each end that is pulled in before the regression


def factor_neutral(
    returns: Float[np.ndarray, "D N"],
    sector: Int64[np.ndarray, " N"],
    factors: Float[np.ndarray, "D N K"],
    universe: BoolDN,
) -> FloatDN:
    """Return what a regression of each session's forward returns on sectors and characteristics leaves.

    A session's cross-section (Fama and MacBeth 1973) prices each sector and each characteristic once; the residual is
    the part of a return that no such common move explains. Most of a day's spread between stocks is of the common
    kind and is noise to a model of stocks.

    Args:
        returns: Forward returns of one target, NaN where there is none.
        sector: Number of each stock's sector, negative where unknown, which is a sector of its own.
        factors: Characteristics known at the session, such as ranks in (-0.5, 0.5); NaN counts as 0, the middle.
        universe: Who is regressed; others stay NaN.

    Returns:
        NaN where there is no return, outside the universe, and on sessions with no more members than regressors.
    """
    result = np.full(returns.shape, np.nan)
    groups = int(sector.max(initial=-1)) + 2
    for day in range(len(returns)):
        member = np.flatnonzero(universe[day] & ~np.isnan(returns[day]))
        width = groups + factors.shape[2]
        if len(member) <= width:
            continue
        design = np.zeros((len(member), width))
        own = np.where(sector[member] < 0, groups - 1, sector[member])
        design[np.arange(len(member)), own] = 1.0
        design[:, groups:] = np.nan_to_num(factors[day, member].astype(np.float64))
        values = returns[day, member].astype(np.float64)
        values = np.clip(values, *np.quantile(values, [_TAIL, 1 - _TAIL]))
        gram = design.T @ design + _RIDGE * np.eye(width)
        result[day, member] = values - design @ np.linalg.solve(gram, design.T @ values)
    return result
