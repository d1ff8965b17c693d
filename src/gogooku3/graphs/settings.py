"""Settings of the graph of a day's stocks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Measure = Literal["return", "residual", "sector_residual"]


class GraphSettings(BaseModel):
    """Which stocks are neighbours: the nearest by trailing correlation, as of each session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int = Field(
        250, ge=10, le=2500, description="sessions whose returns are correlated, fewer where the panel starts"
    )
    min_common: int = Field(
        60, ge=5, description="sessions that two stocks must have in common; pairs with fewer are not linked"
    )
    neighbours: int = Field(20, ge=1, le=200, description="neighbours of a stock, at most")
    threshold: float = Field(
        0.1,
        ge=0.0,
        lt=1.0,
        description="correlation above which stocks can be neighbours; .1 is 1.6 standard errors at 250 sessions",
    )
    every: int = Field(5, ge=1, description="sessions from one graph to the next")
    by: Measure = Field(
        "sector_residual",
        description="what is correlated: log returns (return), what the market leaves of them (residual), or what"
        " market and sector leave (sector_residual)",
    )

    @model_validator(mode="after")
    def _fits(self) -> GraphSettings:
        if self.min_common > self.window:
            raise ValueError(f"min_common = {self.min_common} sessions exceed window = {self.window}")
        return self
