"""Two models' ranks, averaged by weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from gogooku3.models.names import BlendedName
from gogooku3.panel.panel import Panel
from gogooku3.scoring.rank_kernel import rank_columns
from gogooku3.scoring.scorer import MemberScores, Scorer, Scores


@dataclass(frozen=True, eq=False, kw_only=True)
class Blend:
    """The weights of a fold.

    Attributes:
        of: Names of the two models.
        weight: Weight of the second for each target, the first has the rest, [T].
        validation: RankIC of each target at its weight on the earlier test sessions, NaN where there were none.
    """

    of: tuple[BlendedName, BlendedName]
    weight: tuple[float, ...]
    validation: tuple[float, ...]

    def save(self, path: Path) -> None:
        """Write the weights as JSON."""
        known = [None if np.isnan(value) else value for value in self.validation]
        said = {"of": self.of, "weight": self.weight, "validation": known}
        path.write_text(json.dumps(said), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Blend:
        """Read what ``save`` wrote."""
        said = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            of=tuple(said["of"]),
            weight=tuple(said["weight"]),
            validation=tuple(float("nan") if value is None else value for value in said["validation"]),
        )

    def mix(self, first: Scores, second: Scores) -> Scores:
        """Return the weighted mean of the ranks within one session [R, T]."""
        weight = np.array(self.weight)
        left, right = (rank_columns(np.ascontiguousarray(scores)) for scores in (first, second))
        mixed: Scores = ((1 - weight) * left + weight * right).astype(np.float32)
        return mixed


class BlendScorer:
    """A blend of two scorers; its members are the two.

    Args:
        blend: The weights.
        parts: Scorers of the two models.
    """

    def __init__(self, blend: Blend, parts: Sequence[Scorer]) -> None:
        self.blend, self.parts = blend, tuple(parts)

    def members(self, panel: Panel, session: int) -> MemberScores:
        """Return the scores of the two models [2, R, T]."""
        return np.stack([part.combine(part.members(panel, session)) for part in self.parts])

    def combine(self, scores: MemberScores) -> Scores:
        """Return the weighted mean of their ranks [R, T]."""
        return self.blend.mix(scores[0], scores[1])


def learn_weight(
    first: Float32[np.ndarray, "D N"],
    second: Float32[np.ndarray, "D N"],
    label: Float32[np.ndarray, "D N"],
    steps: int,
) -> tuple[float, float]:
    """Return the weight of the second score at which the mean daily RankIC is highest, and that RankIC.

    Args:
        first: Ranks within the session of the first model, NaN where there is none.
        second: Ranks of the second.
        label: Labels.
        steps: Weights tried are 0, 1 / steps, ..., 1; of equal ones the smaller.
    """
    from gogooku3.evaluation.rank_ic import daily_rank_ic

    wide = label.astype(np.float64)
    best, weight = -np.inf, 0.5
    for step in range(steps + 1):
        mixed = (1 - step / steps) * first.astype(np.float64) + step / steps * second
        found = float(np.nanmean(daily_rank_ic(mixed, wide).values))
        if found > best:
            best, weight = found, step / steps
    return weight, best
