"""What the oracle earns: the mean daily RankIC of the true expectation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gogooku3.axes import BoolDN, FloatD, FloatDN
from gogooku3.ranks import average_ranks

MIN_NAMES = 20


def realised_returns(adjusted: FloatDN, horizon: int, lag: int) -> FloatDN:
    """Return ``adjusted[t + lag + horizon] / adjusted[t + lag] - 1`` [D, N].

    It is NaN where either price is missing, as it is for a stock that ended in between.
    """
    sessions = len(adjusted)
    result = np.full_like(adjusted, np.nan)
    rows = sessions - lag - horizon
    if rows > 0:
        result[:rows] = adjusted[lag + horizon :] / adjusted[lag : lag + rows] - 1.0
    return result


def daily_rank_ic(scores: FloatDN, returns: FloatDN) -> FloatD:
    """Return Spearman's correlation of each session with average ranks for ties [D].

    NaN on a session with fewer than 20 names that have both, and where either side is constant.
    """
    paired = np.isfinite(scores) & np.isfinite(returns)
    return _correlation(_centred_ranks(scores, paired), _centred_ranks(returns, paired), paired)


def mean_rank_ic(scores: FloatDN, returns: FloatDN) -> float:
    """Return the mean of the daily RankIC over the sessions that have one, NaN if none has."""
    return _mean(daily_rank_ic(scores, returns))


def mean_rank_ics(scores: Mapping[str, FloatDN], returns: FloatDN, present: BoolDN) -> dict[str, float]:
    """Return ``mean_rank_ic`` of several scores that exist exactly where a bar does, faster together."""
    paired = present & np.isfinite(returns)
    ranked = _centred_ranks(returns, paired)
    return {
        name: _mean(_correlation(_centred_ranks(score, paired), ranked, paired))
        for name, score in scores.items()
    }


def _mean(daily: FloatD) -> float:
    known = daily[np.isfinite(daily)]
    return float(known.mean()) if known.size else float("nan")


def _correlation(left: FloatDN, right: FloatDN, paired: BoolDN) -> FloatD:
    spread = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    valid = (paired.sum(axis=1) >= MIN_NAMES) & (spread > 0.0)
    value: FloatD = np.where(valid, (left * right).sum(axis=1) / np.where(valid, spread, 1.0), np.nan)
    return value


def _centred_ranks(grid: FloatDN, known: BoolDN) -> FloatDN:
    """Return average ranks of each row's known values, minus their mean; 0 elsewhere."""
    ranks = average_ranks(np.where(known, grid, np.nan))
    centre = (known.sum(axis=1, keepdims=True) + 1) / 2.0
    return np.where(known, ranks - centre, 0.0)
