"""One thing that has moved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DriftAlarm:
    """A finding, with what it was held against.

    Attributes:
        kind: ``stability``, ``coverage``, ``missing`` or ``rank ic``.
        name: Feature, model or series.
        seen: The figure that raised the alarm.
        threshold: What it was held against.
        text: The finding as a sentence.
    """

    kind: str
    name: str
    seen: float
    threshold: float
    text: str
