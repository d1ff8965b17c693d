"""When a ranking is refused, and which orders follow from it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings


class PredictSettings(BaseModel):
    """Checks of a session's ranking, and the portfolio that orders lead to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_coverage: float = Field(
        default=0.9,
        ge=0.0,
        le=1.0,
        description="least share of the usual universe that the session's has, and of it that has a score",
    )
    usual_sessions: int = Field(
        default=20, ge=1, description="sessions before it whose mean universe is the usual one"
    )
    max_stale_sessions: int = Field(
        default=0, ge=0, description="sessions of the calendar that the panel may lack at its end"
    )
    refuse_drift: bool = Field(
        default=False, description="refuse a ranking whose features or scores have moved, instead of warning"
    )
    lot: int = Field(default=100, ge=1, description="shares of a trading unit")
    portfolio: ConstructionSettings = Field(
        default=ConstructionSettings(side="long_only"), description="target weights of the session's scores"
    )
    buffer: float = Field(
        default=0.0,
        ge=0.0,
        description="share by which a leg is widened for what is held already: at 0.5 a held name leaves a leg of "
        "100 names only when it is no longer among the best 150",
    )
