"""The probability that a Sharpe ratio is above another, and how long a record has to be to say so."""

from __future__ import annotations

import math

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.many_tries.sharpe_ratio import SharpeRatio


def probabilistic_sharpe(sharpe: SharpeRatio, *, benchmark: float = 0.0, serial: bool = False) -> float:
    """Return the probability that the true Sharpe ratio is above ``benchmark`` (PSR).

    ``Phi((ratio - benchmark) * sqrt(n - 1) / sqrt(variance))``; with ``serial`` the long-run variance and
    Student's t with its degrees of freedom instead of the normal distribution.

    Args:
        sharpe: What was measured, per session.
        benchmark: Sharpe ratio to be above, per session.
        serial: Allow for autocorrelated returns.

    Source: Bailey and López de Prado (2012), "The Sharpe Ratio Efficient Frontier", equation 11.
    """
    from scipy.special import ndtr, stdtr

    variance = sharpe.long_run_variance if serial else sharpe.variance
    excess = (sharpe.ratio - benchmark) * math.sqrt(sharpe.days - 1)
    if variance <= 0:  # a skewness so large that this ratio is certain
        return float(excess > 0)
    score = excess / math.sqrt(variance)
    return float(stdtr(sharpe.freedom, score) if serial else ndtr(score))


def minimum_track_record(
    sharpe: SharpeRatio, *, benchmark: float = 0.0, confidence: float = 0.95, serial: bool = False
) -> float:
    """Return how many sessions it takes to be ``confidence`` sure that the Sharpe ratio is above ``benchmark``.

    ``1 + variance * (z / (ratio - benchmark))^2``, infinite where the ratio is not above the benchmark.

    Args:
        sharpe: What was measured, per session; the length that it was measured over does not matter.
        benchmark: Sharpe ratio to be above, per session.
        confidence: One-sided.
        serial: Allow for autocorrelated returns.

    Raises:
        EvaluationError: ``confidence`` is not between 0.5 and 1.

    Source: Bailey and López de Prado (2012), "The Sharpe Ratio Efficient Frontier", equation 13.
    """
    from scipy.special import ndtri

    if not 0.5 < confidence < 1:
        raise EvaluationError("a confidence is impossible", got=confidence, expected="between 0.5 and 1")
    if sharpe.ratio <= benchmark:
        return math.inf
    variance = sharpe.long_run_variance if serial else sharpe.variance
    return float(1 + max(variance, 0.0) * (ndtri(confidence) / (sharpe.ratio - benchmark)) ** 2)
