"""Two models on the same days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.evaluation.summary import SeriesSummary
from gogooku3.labels.target import Target


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The paired daily RankIC difference ``model - against`` over one period.

    Attributes:
        model: The model whose RankIC counts positively.
        against: The model it is compared with.
        target: Horizon and lag.
        period: ``all`` or a calendar year.
        difference: The difference over the days on which both have a value.
    """

    model: str
    against: str
    target: Target
    period: str
    difference: SeriesSummary

    @property
    def verdict(self) -> int:
        """1 where ``model`` ranks better, -1 where worse, 0 where the interval holds 0 or there is none."""
        if not np.isfinite(self.difference.low):
            return 0
        return int(self.difference.low > 0) - int(self.difference.high < 0)
