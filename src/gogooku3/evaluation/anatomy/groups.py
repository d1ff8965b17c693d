"""Where the ranking works: within each sector and each size bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from gogooku3.axes import BoolDN, FloatDN
from gogooku3.evaluation.anatomy.anatomy import GroupResult
from gogooku3.evaluation.anatomy.market_view import MarketView
from gogooku3.evaluation.anatomy.ordered_grid import ordered, rank_correlation
from gogooku3.evaluation.buckets import quantile_buckets
from gogooku3.evaluation.daily_correlation import paired_names
from gogooku3.evaluation.deciles import daily_deciles
from gogooku3.evaluation.information_coefficient import daily_ic
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import summarise

_Kind = Literal["sector", "size"]


@dataclass(frozen=True, kw_only=True)
class Groups:
    """What the groups show.

    Attributes:
        results: Sectors by name, then size buckets, smallest first.
        too_small: Names of groups with too few names on every session.
        constant: Names of groups within which the score is constant on every session with enough names.
    """

    results: tuple[GroupResult, ...]
    too_small: tuple[str, ...]
    constant: tuple[str, ...]


def measure_groups(
    score: FloatDN,
    label: FloatDN,
    *,
    view: MarketView,
    horizon: int,
    size_buckets: int,
    settings: EvaluationSettings,
) -> Groups:
    """Measure the ranking among the stocks of each group only.

    Buckets of a group are formed over its own scored names. A size bucket holds other stocks on other sessions.

    Args:
        score: Scores [D, N], NaN where none and outside the universe.
        label: Labels [D, N], NaN where none.
        view: Sectors and size.
        horizon: Of the labels.
        size_buckets: Equal-count buckets of each session's universe.
        settings: How to judge.
    """
    results: list[GroupResult] = []
    left_out: dict[str, list[str]] = {"too small": [], "constant": []}
    for kind, name, scores, labels in _grids(score, label, view, size_buckets):
        found = _measure(kind, name, scores, labels, horizon=horizon, settings=settings)
        if isinstance(found, str):
            left_out[found].append(name)
        else:
            results.append(found)
    return Groups(
        results=tuple(results), too_small=tuple(left_out["too small"]), constant=tuple(left_out["constant"])
    )


def _grids(
    score: FloatDN, label: FloatDN, view: MarketView, size_buckets: int
) -> Iterator[tuple[_Kind, str, FloatDN, FloatDN]]:
    for sector in sorted(range(len(view.sector_names)), key=lambda index: view.sector_names[index]):
        columns = np.flatnonzero(view.sector == sector)
        if columns.size:
            yield "sector", view.sector_names[sector], score[:, columns], label[:, columns]
    size = np.where(view.universe, view.size, np.nan)
    if not np.isfinite(size).any():
        return
    bucket = quantile_buckets(size, quantiles=size_buckets, min_names=1)
    for index in range(size_buckets):
        member = bucket == index
        yield "size", _size_name(index, size_buckets), _packed(score, member), _packed(label, member)


def _size_name(index: int, buckets: int) -> str:
    ends = {0: " (smallest)", buckets - 1: " (largest)"}
    return f"{index + 1} of {buckets}{ends.get(index, '')}"


def _packed(grid: FloatDN, member: BoolDN) -> Float64[np.ndarray, "D M"]:
    """Return each session's members in the first columns, NaN behind them: no measure depends on the columns."""
    count = member.sum(axis=1)
    packed = np.full((len(grid), int(count.max(initial=0))), np.nan)
    rows, columns = np.nonzero(member)
    packed[rows, np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)] = grid[rows, columns]
    return packed


def _measure(
    kind: _Kind, name: str, score: FloatDN, label: FloatDN, *, horizon: int, settings: EvaluationSettings
) -> GroupResult | Literal["too small", "constant"]:
    names = paired_names(score, label).sum(axis=1)
    enough = names >= settings.min_names
    if not enough.any():
        return "too small"
    rank_ic = rank_correlation(ordered(score), ordered(label), min_names=settings.min_names)
    if not np.isfinite(rank_ic).any():
        return "constant"
    ic = daily_ic(score, label, min_names=settings.min_names)
    deciles = daily_deciles(score, label, quantiles=settings.quantiles, min_names=settings.min_names)
    rows = np.ones(len(score), dtype=np.bool_)
    return GroupResult(
        kind=kind,
        group=name,
        names=float(names[enough].mean()),
        rank_ic=summarise(rank_ic, horizon=horizon, settings=settings),
        ic=summarise(ic.values, horizon=horizon, settings=settings),
        spread=summarise(deciles.spread, horizon=horizon, settings=settings),
        decile_means=tuple(float(mean) for mean in deciles.means(rows)),
        monotonicity=deciles.monotonicity(rows),
        hit_rate=deciles.hit_rate(rows),
    )
