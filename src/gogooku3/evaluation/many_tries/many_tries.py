"""What is left of the findings after allowing for how many were looked for."""

from __future__ import annotations

from dataclasses import dataclass

from gogooku3.labels.target import Target


@dataclass(frozen=True, kw_only=True)
class OneTry:
    """One model at one target, among all that were looked at.

    Attributes:
        model, target: Which.
        p_value: Of a RankIC of zero, two-sided, by equal-weighted cosines; NaN where untested.
        independent, dependent: Adjusted for all tries (Benjamini and Hochberg; Benjamini and Yekutieli).
        sharpe_daily: Of the default portfolio, net.
        probabilistic: Probability that the true Sharpe ratio is above 0, for autocorrelated returns.
        deflated: The same above what the best of all tries would show if none were worth anything.
        track_record: Sessions needed to be 95 % sure of a Sharpe ratio above 0; infinite where it is not above.
        days: Sessions that there were.
    """

    model: str
    target: Target
    p_value: float
    independent: float
    dependent: float
    sharpe_daily: float
    probabilistic: float
    deflated: float
    track_record: float
    days: int


@dataclass(frozen=True, kw_only=True)
class Superiority:
    """Whether any other model is better than ``benchmark`` at a target, all of them allowed for (Hansen 2005)."""

    target: Target
    benchmark: str
    best: str
    p_value: float
    models: int


@dataclass(frozen=True, kw_only=True)
class ManyTries:
    """All tries of an evaluation.

    Attributes:
        tries: One per model and target.
        trials: Tries at the largest lag, whose Sharpe ratios were compared; those without a portfolio included.
        effective_trials: The number of independent ones they amount to.
        overfitting: Probability that the best of them in one half of the days is below the median in the other
            (CSCV); NaN where there are fewer than two, or too few days.
        superiority: Per target, where there is more than one model and the package ``arch`` is installed.
        unseen: What could not be computed, in words.
    """

    tries: tuple[OneTry, ...]
    trials: int
    effective_trials: float
    overfitting: float
    superiority: tuple[Superiority, ...]
    unseen: tuple[str, ...]

    @property
    def lag(self) -> int:
        """The largest lag of any try."""
        return max((one.target.lag for one in self.tries), default=0)
