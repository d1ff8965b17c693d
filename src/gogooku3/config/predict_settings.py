"""When a ranking is refused, and which orders follow from it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.evaluation.portfolio_settings import PortfolioSettings


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
    portfolio: Literal["decile", "top_k"] = Field(
        default="decile",
        description="decile: extreme buckets as in evaluation.portfolio; top_k: the k best, and the k worst to short",
    )
    k: int | None = Field(default=None, ge=1, description="names per leg of the portfolio top_k")
    side: Literal["long_only", "long_short"] = Field(
        default="long_only",
        description="long_only: the best alone; long_short: as much of the worst sold short",
    )
    buffer: float = Field(
        default=0.0,
        ge=0.0,
        description="share by which a leg is widened for what is held already: at 0.5 a held name leaves a leg of "
        "100 names only when it is no longer among the best 150",
    )

    @model_validator(mode="after")
    def _consistent(self) -> PredictSettings:
        if (self.portfolio == "top_k") != (self.k is not None):
            raise ValueError("portfolio = top_k needs k, the names per leg; decile has no use for it")
        return self

    def construction(self, usual: PortfolioSettings) -> ConstructionSettings:
        """Return the portfolio as a backtest knows it.

        Args:
            usual: Buckets, and names that a session needs.
        """
        if self.k is not None:
            return ConstructionSettings(side=self.side, kind="top_k", k=self.k, min_names=usual.min_names)
        return ConstructionSettings(side=self.side, quantiles=usual.quantiles, min_names=usual.min_names)
