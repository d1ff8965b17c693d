"""What a label keeps once sectors and characteristics are regressed out of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from gogooku3.axes import BoolDN, FloatDN

_RIDGE = 1e-3  # of the normal equations, so that a constant characteristic does no harm
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
    own = np.where(sector < 0, sector.max(initial=-1) + 1, sector)
    groups = int(own.max(initial=0)) + 1
    for day in range(len(returns)):
        member = np.flatnonzero(universe[day] & ~np.isnan(returns[day]))
        if len(member) <= groups + factors.shape[2]:
            continue
        values = returns[day, member].astype(np.float64)
        values = np.clip(values, *np.quantile(values, [_TAIL, 1 - _TAIL]))
        common = np.nan_to_num(factors[day, member].astype(np.float64))
        centred = _centred(np.column_stack([common, values]), own[member], groups)
        common, values = centred[:, :-1], centred[:, -1]
        gram = common.T @ common + _RIDGE * np.eye(common.shape[1])
        result[day, member] = values - common @ np.linalg.solve(gram, common.T @ values)
    return result


def _centred(
    columns: Float[np.ndarray, "n K"], group: Int64[np.ndarray, " n"], groups: int
) -> Float[np.ndarray, "n K"]:
    """Return columns less the mean of each row's group: the regression on dummies (Frisch, Waugh and Lovell)."""
    count = np.maximum(np.bincount(group, minlength=groups), 1)
    totals = [np.bincount(group, weights=column, minlength=groups) for column in columns.T]
    centred: np.ndarray = columns - (np.stack(totals, axis=1) / count[:, None])[group]
    return centred
