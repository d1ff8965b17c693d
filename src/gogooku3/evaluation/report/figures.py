"""The series that the plots of a report are drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gogooku3.evaluation.anatomy.anatomy import Anatomy
from gogooku3.evaluation.backtest.cost_curve import COST_GRID_BPS
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.portfolio_summary import drawdown
from gogooku3.evaluation.summary import SeriesSummary
from gogooku3.evaluation.target_evaluation import TargetEvaluation
from gogooku3.evaluation.trading.trading import Trading
from gogooku3.labels.target import Target

MOST_POINTS = 160_000  # of all series of a page together: about 1.2 MB


def figure_data(
    evidence: Evidence, attainable: Mapping[Target, float], *, most_points: int = MOST_POINTS
) -> dict[str, Any]:
    """Return plain data for the page's script: shared dates, then the series of each target and model.

    Where there would be too many points every k-th session is kept, the last one always.
    """
    evaluation = evidence.evaluation
    days = len(evaluation.sessions)
    stride = max(1, math.ceil(5 * days * len(evaluation.results) / most_points))
    kept = np.arange(days - 1, -1, -stride)[::-1]
    anatomies = {(one.model, one.target): one for one in evidence.anatomies}
    tradings = {(one.model, one.target): one for one in evidence.tradings}

    def of(result: TargetEvaluation) -> dict[str, Any]:
        key = (result.model, result.target)
        return {
            **_series(result, kept),
            **(_anatomy(anatomies[key]) if key in anatomies else {}),
            **(_trading(tradings[key]) if key in tradings else {}),
        }

    return {
        "dates": [str(day) for day in evaluation.sessions[kept]],
        "stride": stride,
        "models": [
            {"name": model, "benchmark": model == evaluation.settings.attainable}
            for model in evaluation.models
        ],
        "first": str(headline(evaluation)),
        "costs": list(COST_GRID_BPS),
        "targets": {
            str(target): {
                "models": {
                    result.model: of(result) for result in evaluation.results if result.target == target
                },
                "attainable": _attainable_line(evaluation, target, attainable, kept),
            }
            for target in evaluation.targets
        },
    }


def headline(evaluation: Evaluation) -> Target:
    """Return the target drawn first: 5 sessions at lag 1, or the nearest to it."""
    return min(evaluation.targets, key=lambda target: (abs(target.lag - 1), abs(target.horizon - 5)))


def _series(result: TargetEvaluation, kept: np.ndarray) -> dict[str, list[float | None]]:
    return {
        "rank_ic": _rounded(_running(result.rank_ic.values, np.cumsum)[kept]),
        "gross": _rounded(_running(1 + result.portfolio.gross, np.cumprod)[kept]),
        "net": _rounded(_running(1 + result.portfolio.net, np.cumprod)[kept]),
        "drawdown": _rounded(100 * drawdown(result.portfolio.net)[kept]),
        "coverage": _rounded(100 * result.coverage[kept]),
        "deciles": _rounded(100 * np.array(result.whole.decile_means)),
    }


def _anatomy(anatomy: Anatomy) -> dict[str, Any]:
    sizes = [group for group in anatomy.groups if group.kind == "size"]
    decay = {"x": [point.horizon for point in anatomy.decay]}
    size = {"x": [group.group for group in sizes]}
    return {
        "decay": {**decay, **_intervals(point.rank_ic for point in anatomy.decay)},
        "size": {**size, **_intervals(group.rank_ic for group in sizes)},
    }


def _trading(trading: Trading) -> dict[str, Any]:
    alone = next((book for book in trading.books if book.relative is not None), None)
    curve = trading.capacity
    return {
        "cost": _rounded(trading.books[0].summary.sharpe_by_cost) if trading.books else [],
        "cost_long": _rounded(alone.summary.sharpe_by_cost) if alone is not None else [],
        "capacity": {
            "x": [point.capital for point in curve],
            "y": _rounded(100 * point.net_annual for point in curve),
        },
    }


def _intervals(summaries: Iterable[SeriesSummary]) -> dict[str, list[float | None]]:
    """Return means and the lengths of their intervals' arms."""
    found = list(summaries)
    return {
        "y": _rounded(one.mean for one in found),
        "up": _rounded(one.high - one.mean for one in found),
        "down": _rounded(one.mean - one.low for one in found),
    }


def _running(values: np.ndarray, accumulate: Any) -> np.ndarray:
    known = np.isfinite(values)
    running = np.full(len(values), np.nan)
    running[known] = accumulate(values[known])
    return running


def _attainable_line(
    evaluation: Evaluation, target: Target, attainable: Mapping[Target, float], kept: np.ndarray
) -> list[float | None] | None:
    """Return a straight cumulative line where only the attainable mean is known, not its daily scores."""
    if target not in attainable or evaluation.find(evaluation.settings.attainable, target) is not None:
        return None
    return _rounded(attainable[target] * np.arange(1, len(evaluation.sessions) + 1, dtype=np.float64)[kept])


def _rounded(values: Iterable[float]) -> list[float | None]:
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in map(float, values)]
