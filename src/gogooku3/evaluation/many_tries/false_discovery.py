"""How many of many findings are false."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.errors import EvaluationError


@dataclass(frozen=True, eq=False, kw_only=True)
class FalseDiscovery:
    """Adjusted p-values of many tests: the smallest level at which each is still a finding.

    Attributes:
        tests: Tests with a p-value.
        untested: Entries without one.
        independent: Adjusted by Benjamini and Hochberg, valid for independent or positively dependent tests; in
            the shape of what was given, NaN where there is no test.
        dependent: Adjusted by Benjamini and Yekutieli, valid whatever the dependence.
    """

    tests: int
    untested: int
    independent: np.ndarray
    dependent: np.ndarray


def false_discovery(p_values: np.ndarray) -> FalseDiscovery:
    """Adjust p-values so that, of the findings at level q, a share of at most q is expected to be false.

    Tests of one score at several horizons, or of models that resemble each other, are dependent. The caller
    passes all tests that were looked at, not only the promising ones.

    Args:
        p_values: Any shape, such as models by horizons; NaN where a test could not be made.

    Raises:
        EvaluationError: A p-value is not between 0 and 1.

    Source: Benjamini and Hochberg (1995), "Controlling the False Discovery Rate"; Benjamini and Yekutieli (2001),
    "The Control of the False Discovery Rate in Multiple Testing under Dependency".
    """
    given = np.asarray(p_values, dtype=np.float64)
    tested = ~np.isnan(given)
    p = given[tested]
    if ((p < 0) | (p > 1)).any():
        raise EvaluationError(
            "a p-value is impossible", got=float(p[(p < 0) | (p > 1)][0]), expected="0 to 1, or NaN"
        )
    number = np.arange(1, len(p) + 1)
    order = np.argsort(p, kind="stable")
    from_above = np.minimum.accumulate((p[order] * len(p) / number)[::-1])[::-1]
    harmonic = float((1 / number).sum())
    return FalseDiscovery(
        tests=len(p),
        untested=int((~tested).sum()),
        independent=_placed(from_above, order, tested),
        dependent=_placed(from_above * harmonic, order, tested),
    )


def two_sided_p(t: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Return the two-sided p-value of Student's t, NaN where either is NaN; any shape."""
    from scipy.special import stdtr

    p: np.ndarray = 2 * stdtr(freedom, -np.abs(np.asarray(t, dtype=np.float64)))
    return p


def _placed(adjusted: np.ndarray, order: np.ndarray, tested: np.ndarray) -> np.ndarray:
    values = np.empty(len(order))
    values[order] = np.minimum(adjusted, 1.0)
    grid = np.full(tested.shape, np.nan)
    grid[tested] = values
    return grid
