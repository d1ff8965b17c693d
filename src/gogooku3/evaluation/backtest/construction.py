"""From scores to target weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolD, BoolDN, FloatDN, Int16N
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.evaluation.backtest.kernel_types import Rule


@dataclass(frozen=True, eq=False, kw_only=True)
class Targets:
    """What a session's scores ask for.

    Attributes:
        weights: Share of the equity that a fully invested portfolio holds; a leg sums to 1 or, where the cap
            leaves less possible, to less, [D, N].
        ranked: False on sessions without a ranking, whose tranche goes to cash, [D].
    """

    weights: FloatDN
    ranked: BoolD


def construct(
    score: FloatDN,
    settings: ConstructionSettings,
    *,
    sector: Int16N | None = None,
    borrowable: BoolDN | None = None,
) -> Targets:
    """Return the target weights of every session.

    * ``decile``: the extreme buckets of ``quantile_buckets``, equally weighted.
    * ``top_k``: the k best and the k worst. Names tied at the edge share the places that are left, so the order of
      the stocks never matters.
    * ``rank``: weights proportional to average rank - (n + 1) / 2, positive long and negative short.

    A group is the session's scored names, or those of one sector: then each sector weighs its share of the scored
    names, the same in both legs, and the k places are shared by size. Names of unknown sector are a sector of their
    own. A group whose scores cannot tell a long from a short leg is left out, its weight going to the others; a
    session with too few names, or without a group that is left, has no ranking. Names that cannot be borrowed are
    taken out of the short leg after ranking. ``max_weight`` cuts names and gives to their group's others; where all
    are cut, both legs of the group shrink alike and the rest stays in cash. ``long_only`` is the long leg alone.

    Args:
        score: Scores [D, N], NaN where none.
        settings: The construction.
        sector: Sector of each stock, -1 where unknown, [N].
        borrowable: True where a stock can be sold short, [D, N]; None for everywhere.

    Raises:
        EvaluationError: Sectors are wanted and not known, or a borrowable list is given without a short leg.
    """
    from gogooku3.evaluation.backtest.construction_kernel import DECILE, RANK, TOP_K, weigh

    long_only = settings.side == "long_only"
    if long_only and borrowable is not None:
        raise EvaluationError(
            "a long-only portfolio borrows nothing",
            got="a borrowable list",
            expected="none",
            remedy="leave the list out, or choose side = long_short",
        )
    rule = Rule(
        kind={"decile": DECILE, "top_k": TOP_K, "rank": RANK}[settings.kind],
        size=settings.quantiles if settings.k is None else settings.k,
        min_names=settings.min_names,
        long_only=long_only,
        max_weight=math.inf if settings.max_weight is None else settings.max_weight,
    )
    stocks = score.shape[1]
    groups = _groups(sector, stocks) if settings.sector_neutral else np.zeros(stocks, np.int64)
    lent = np.empty((0, stocks), dtype=bool) if borrowable is None else np.ascontiguousarray(borrowable)
    weights, ranked = weigh(np.ascontiguousarray(score), groups, lent, rule)
    return Targets(weights=weights, ranked=ranked)


def _groups(sector: Int16N | None, stocks: int) -> np.ndarray:
    if sector is None or len(sector) != stocks or not (sector >= 0).any():
        raise EvaluationError(
            "a sector-neutral portfolio needs the sector of its stocks",
            got="none"
            if sector is None
            else f"{int((sector >= 0).sum())} known of {len(sector)} for {stocks} stocks",
            expected="an index of sectors, [N]",
            remedy="give bars or a listing with sectors, or choose sector_neutral = false",
        )
    groups: np.ndarray = np.unique(sector, return_inverse=True)[1].astype(np.int64)
    return groups
