"""When a drift is an alarm."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DriftSettings(BaseModel):
    """Thresholds of the drift alarms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bins: int = Field(default=10, ge=2, description="equal-count bins of the reference values")
    sample_sessions: int = Field(
        default=60,
        ge=2,
        description="sessions, spread evenly, that stand for a fold's training and for its test year",
    )
    sample_rows: int = Field(
        default=10_000,
        ge=100,
        description="stock-days at most of such a sample; the stocks of its sessions are thinned evenly",
    )
    max_psi: float = Field(
        default=0.25, gt=0.0, description="population stability index above which a distribution has moved"
    )
    min_coverage: float = Field(
        default=0.9, ge=0.0, le=1.0, description="share of a session's universe that has to have a score"
    )
    max_missing_rise: float = Field(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="rise of the share of missing values over that of the reference, in points of share",
    )
    lost_share: float = Field(
        default=1.0,
        gt=0.0,
        le=2.0,
        description="share of the reference RankIC whose loss is looked for: 1 is a fall to 0",
    )
    quiet_sessions: int = Field(
        default=2500,
        ge=50,
        description="mean number of sessions to a false alarm of the RankIC while nothing has changed",
    )
