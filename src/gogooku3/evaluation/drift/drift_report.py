"""What has moved since training."""

from __future__ import annotations

from dataclasses import dataclass

from gogooku3.evaluation.drift.drift_alarm import DriftAlarm


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One distribution in one fold's test year against that fold's training sessions.

    Attributes:
        fold: Such as ``2018``.
        kind: ``score`` (raw model output) or ``feature``.
        name: Of the model and target, or of the feature.
        index: Population stability index.
        floor: What it is expected to be if nothing had moved.
        missing: Share of missing values, test.
        missing_before: The same in training.
    """

    fold: str
    kind: str
    name: str
    index: float
    floor: float
    missing: float
    missing_before: float


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """What was watched, and what rang.

    Attributes:
        moved: Every score, and every feature, per fold.
        alarms: With the fold in their text, most severe first within a kind.
        watched: How many distributions, sessions and series were looked at, in words.
    """

    moved: tuple[Moved, ...]
    alarms: tuple[DriftAlarm, ...]
    watched: str
