"""What a score is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gogooku3.evaluation.summary import SeriesSummary
from gogooku3.labels.target import Target


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """One model at one target, among the stocks of one group only.

    Attributes:
        kind: What the group is one of.
        group: Name of the sector, or of the size bucket.
        names: Mean number of names with score and label, over the sessions that have enough of them.
        rank_ic, ic, spread: Daily series within the group.
        decile_means: Mean label of each bucket of the group's own ranking, lowest scores first.
        monotonicity: Spearman's correlation of bucket index and bucket mean.
        hit_rate: Share of pairs on the same side of the group's daily means.
    """

    kind: Literal["sector", "size"]
    group: str
    names: float
    rank_ic: SeriesSummary
    ic: SeriesSummary
    spread: SeriesSummary
    decile_means: tuple[float, ...]
    monotonicity: float
    hit_rate: float


@dataclass(frozen=True, kw_only=True)
class DecayPoint:
    """RankIC of the score with labels of another horizon, at the target's lag."""

    horizon: int
    rank_ic: SeriesSummary


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """Mean rank correlation of the scores of a session with those of ``sessions`` sessions before."""

    sessions: int
    correlation: float
    days: int


@dataclass(frozen=True, kw_only=True)
class Neutral:
    """RankIC of what is left of the score, all three on the same stock-days.

    Those are the scored ones whose sector is known (where any sector is) and whose size, beta and volatility
    are (where all three are known of some stock).

    Attributes:
        plain: Of the score as it is.
        sector: After removing each session's sector means; without a value where no sector is known.
        style: After removing each session's linear effect of the ranks of size, beta and volatility; without a
            value where one of them is not known.
        size_is: What stands for size, in words.
    """

    plain: SeriesSummary
    sector: SeriesSummary
    style: SeriesSummary
    size_is: str


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Mean daily rank correlation of the score with one feature."""

    feature: str
    correlation: SeriesSummary


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """One model at one target, taken apart.

    Attributes:
        model: Name of the scores.
        target: Horizon and lag.
        groups: Sectors by name, then size buckets, smallest first.
        groups_too_small: Groups that have too few names on every session, and are not in ``groups``.
        groups_constant: Groups within which the score is constant on every session that has enough names; they
            are not in ``groups`` either.
        decay: By rising horizon.
        persistence: By rising distance.
        neutral: None where neither sectors nor styles are known.
        exposures: Strongest first, by absolute correlation.
    """

    model: str
    target: Target
    groups: tuple[GroupResult, ...]
    decay: tuple[DecayPoint, ...]
    persistence: tuple[Persistence, ...]
    neutral: Neutral | None
    exposures: tuple[Exposure, ...]
    groups_too_small: tuple[str, ...] = ()
    groups_constant: tuple[str, ...] = ()
