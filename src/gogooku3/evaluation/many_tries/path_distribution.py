"""How a result varies over the paths of combinatorial cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gogooku3.errors import EvaluationError

PerPath = Float64[np.ndarray, "P"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PathDistribution:
    """Mean and ratio of a daily series along each path.

    The paths share sessions and most of their training rows: their spread shows how much depends on what was
    trained on, and is no confidence interval.

    Attributes:
        means: Mean over days of each path: a RankIC, [P].
        ratios: Mean over standard deviation (ddof 1): an ICIR, or the Sharpe ratio of daily returns, [P].
        days: Days with a value of each path, [P].
    """

    means: PerPath
    ratios: PerPath
    days: np.ndarray

    def quantiles(self, levels: tuple[float, ...] = (0.05, 0.5, 0.95)) -> tuple[np.ndarray, np.ndarray]:
        """Return quantiles of the means and of the ratios over the paths."""
        return np.quantile(self.means, levels), np.quantile(self.ratios, levels)

    @property
    def share_negative(self) -> float:
        """Share of paths whose mean is below 0."""
        return float((self.means < 0).mean())


def path_distribution(paths: Float64[np.ndarray, "P D"]) -> PathDistribution:
    """Summarise each path, NaN days left out.

    Raises:
        EvaluationError: A path has fewer than two values, an infinite one, or does not vary.
    """
    days = np.isfinite(paths).sum(axis=1)
    if np.isinf(paths).any() or not len(paths) or (days < 2).any():
        raise EvaluationError(
            "a path has no series", got=f"{days.min() if len(days) else 0} days", expected="two finite values"
        )
    means, deviations = np.nanmean(paths, axis=1), np.nanstd(paths, axis=1, ddof=1)
    if (np.nanmax(paths, axis=1) == np.nanmin(paths, axis=1)).any():
        raise EvaluationError("a path does not vary", expected="daily values that differ")
    return PathDistribution(means=means, ratios=means / deviations, days=days)
