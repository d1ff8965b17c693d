"""When an evaluation looks too good to be honest."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LeakAlarmSettings(BaseModel):
    """Thresholds of the leak alarm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_rank_ic: float = Field(
        default=0.10,
        gt=0.0,
        le=1.0,
        description="mean RankIC at lag 1 or more, either sign, above which a leak is presumed; where the "
        "attainable RankIC is known, that takes its place",
    )
    min_kept: float = Field(
        default=0.30,
        ge=0.0,
        le=1.0,
        description="share of the 1-session RankIC at lag 0 that has to be left at lag 1; less is a collapse",
    )
    min_rank_ic: float = Field(
        default=0.02,
        ge=0.0,
        le=1.0,
        description="1-session RankIC at lag 0 from which a collapse is looked for; below it there is little to lose",
    )
