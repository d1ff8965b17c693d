"""On which side of zero intervals lie, horizon by horizon."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from gogooku3.evaluation.report.wording import sessions
from gogooku3.evaluation.summary import SeriesSummary


@dataclass(frozen=True, kw_only=True)
class Signs:
    """Horizons whose interval lies above, holds and lies below zero, and those that have no interval."""

    above: list[int] = field(default_factory=list)
    between: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    unmeasured: list[int] = field(default_factory=list)
    everywhere: list[int] = field(default_factory=list)

    @property
    def against_chance(self) -> str:
        """What the intervals of a RankIC say, to follow a comma."""
        if self.above == self.everywhere:
            return "better than chance at every horizon"
        if self.unmeasured == self.everywhere:
            return "not measured against chance"
        clauses = [
            f"better than chance at {sessions(self.above)}" if self.above else "nowhere better than chance"
        ]
        if self.between and (self.above or self.unmeasured or self.below):
            clauses.append(f"not distinguishable from chance at {sessions(self.between)}")
        clauses += [f"worse than chance at {sessions(self.below)}"] if self.below else []
        clauses += [f"not measured against chance at {sessions(self.unmeasured)}"] if self.unmeasured else []
        return ", ".join(clauses)

    @property
    def earned(self) -> list[str]:
        """What the intervals of a return say, a clause for each kind that there is."""
        clauses = [f"gains at {sessions(self.above)}"] if self.above else []
        clauses += [f"cannot be told from zero at {sessions(self.between)}"] if self.between else []
        clauses += [f"loses at {sessions(self.below)}"] if self.below else []
        clauses += [f"was not measured at {sessions(self.unmeasured)}"] if self.unmeasured else []
        return clauses


def signs(summaries: Iterable[tuple[int, SeriesSummary]]) -> Signs:
    """Sort horizons by the interval of what was measured there."""
    found = Signs()
    for horizon, summary in summaries:
        found.everywhere.append(horizon)
        if not (math.isfinite(summary.low) and math.isfinite(summary.high)):
            chosen = found.unmeasured
        elif summary.low > 0:
            chosen = found.above
        else:
            chosen = found.below if summary.high < 0 else found.between
        chosen.append(horizon)
    return found
