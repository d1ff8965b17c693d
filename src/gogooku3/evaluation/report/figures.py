"""The series that the plots of a report are drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.portfolio_summary import drawdown
from gogooku3.evaluation.target_evaluation import TargetEvaluation
from gogooku3.labels.target import Target

_MOST_POINTS = 160_000  # of all series together: about 1.2 MB


def figure_data(evaluation: Evaluation, attainable: Mapping[Target, float]) -> dict[str, Any]:
    """Return plain data for the page's script: shared dates, then the series of each target and model.

    Where there would be too many points every k-th session is kept, the last one always.
    """
    days = len(evaluation.sessions)
    stride = max(1, math.ceil(5 * days * len(evaluation.results) / _MOST_POINTS))
    kept = np.arange(days - 1, -1, -stride)[::-1]
    return {
        "dates": [str(day) for day in evaluation.sessions[kept]],
        "stride": stride,
        "models": [
            {"name": model, "benchmark": model == evaluation.settings.attainable}
            for model in evaluation.models
        ],
        "first": str(headline(evaluation)),
        "targets": {
            str(target): {
                "models": {
                    result.model: _series(result, kept)
                    for result in evaluation.results
                    if result.target == target
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


def _rounded(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]
