"""What rankings of single sessions were worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gogooku3.evaluation.significance import MeanTest
from gogooku3.evaluation.two_sample import MeanDifference
from gogooku3.labels.target import Target
from gogooku3.pipeline.live_rankings import Unread


@dataclass(frozen=True, kw_only=True)
class TrackedDay:
    """A session at one target, NaN where something is not known, or may not be looked at.

    Attributes:
        session: The session that was ranked.
        rank_ic: Rank correlation of its ranking and what followed.
        spread: Mean label of the best bucket minus that of the worst.
        names: Stocks with both score and label.
        coverage: Share of the session's universe that the ranking has a score for.
        backtest: RankIC of the backtest's scores of that session.
    """

    session: date
    rank_ic: float
    spread: float
    names: int
    coverage: float
    backtest: float


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The mean of a daily series, its test, and the days that have a value."""

    days: int
    test: MeanTest


@dataclass(frozen=True, kw_only=True)
class TrackedTarget:
    """The rankings of a model at one target.

    Attributes:
        target: Horizon and lag.
        known: Ranked sessions whose labels are known and may be looked at; not all need have a value.
        not_yet: Those whose labels the panel does not reach.
        kept_back: Those whose labels end in a locked year.
        rank_ic, spread: Over the known sessions.
        coverage, coverage_min: Mean and least share of the universe with a score, over all ranked sessions.
        same_days: Days on which both the ranking and the backtest have a RankIC.
        same_days_live, same_days_backtest: Their means over these days.
        backtest: RankIC of the backtest over all its open sessions; no days where there is none.
        difference: Live days against the backtest's other days; None where it cannot be told.
        statement: What follows, in a sentence.
        days: Every ranked session that the panel has.
    """

    target: Target
    known: int
    not_yet: int
    kept_back: int
    rank_ic: Mean
    spread: Mean
    coverage: float
    coverage_min: float
    same_days: int
    same_days_live: float
    same_days_backtest: float
    backtest: Mean
    difference: MeanDifference | None
    statement: str
    days: tuple[TrackedDay, ...]


@dataclass(frozen=True, kw_only=True)
class TrackedModel:
    """The rankings of one model.

    Attributes:
        model: As the files are called: ``ridge``, or ``ridge-bundle``.
        first, last: Sessions ranked.
        rankings: Number of sessions ranked.
        unknown_codes: Stocks of the rankings that the panel does not have; their scores do not count.
        unknown_targets: Targets of the rankings that the panel has no labels of.
        targets: One each.
    """

    model: str
    first: date
    last: date
    rankings: int
    unknown_codes: tuple[str, ...]
    unknown_targets: tuple[Target, ...]
    targets: tuple[TrackedTarget, ...]


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """All rankings of a run.

    Attributes:
        models: By name.
        absent: Rankings of sessions that the panel does not have.
        historical: Rankings that were made when a later session had ended; none of them counts.
        unread: Files among the rankings that are none.
        path: ``tracking.json``.
    """

    models: tuple[TrackedModel, ...]
    absent: tuple[Unread, ...]
    historical: tuple[Unread, ...]
    unread: tuple[Unread, ...]
    path: Path
