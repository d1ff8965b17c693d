"""Which portfolio is formed from a score, and what trading it costs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PortfolioSettings(BaseModel):
    """Equal-weighted extreme buckets of each session's ranking, held in overlapping tranches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantiles: int = Field(
        default=10, ge=2, description="buckets; the top one is bought, the bottom one sold short"
    )
    min_names: int = Field(default=20, ge=2, description="scored names that a session needs to be ranked")
    cost_bps: float = Field(
        default=10.0, ge=0.0, description="cost per unit of traded weight, in basis points"
    )
    borrow_bps_per_year: float = Field(
        default=0.0,
        ge=0.0,
        description="borrowing fee per calendar year on the short weight, in basis points",
    )
    long_only: bool = Field(default=False, description="hold the top bucket only")
