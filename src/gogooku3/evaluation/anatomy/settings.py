"""How a score is taken apart."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

_Sessions = Annotated[int, Field(ge=1)]


class AnatomySettings(BaseModel):
    """Groups, distances and trailing windows of the anatomy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_buckets: int = Field(
        default=5, ge=2, description="equal-count buckets of each session's universe, by size"
    )
    size_window: int = Field(
        default=20, ge=1, description="sessions of the median turnover that stands for size"
    )
    style_window: int = Field(
        default=60, ge=3, description="sessions of the trailing beta and of the trailing volatility"
    )
    decay_horizons: tuple[_Sessions, ...] = Field(
        default=(1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 60),
        description="horizons, in sessions, at which the RankIC of the same score is measured",
    )
    persistence_sessions: tuple[_Sessions, ...] = Field(
        default=(1, 5, 10, 20),
        description="distances, in sessions, at which scores are compared with earlier ones",
    )

    @field_validator("decay_horizons", "persistence_sessions")
    @classmethod
    def _rising(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if any(later <= earlier for earlier, later in pairwise(values)):
            raise ValueError("has to rise strictly")
        return values
