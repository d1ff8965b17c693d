"""A published or earlier figure to stand beside ours."""

from __future__ import annotations

from dataclasses import dataclass

from gogooku3.labels.target import Target


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A RankIC measured elsewhere.

    Attributes:
        name: Who measured it, and with what.
        model: Which of our models it is compared with.
        target: Horizon and lag.
        rank_ic: Mean daily RankIC.
        note: One sentence that explains the difference.
    """

    name: str
    model: str
    target: Target
    rank_ic: float
    note: str
