"""Which books are formed beside the default portfolio."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Capital = Annotated[float, Field(gt=0.0)]


class TradingSettings(BaseModel):
    """Sizes of the standard books; the default portfolio itself is that of the evaluation's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int = Field(default=50, ge=1, description="names per leg of the top-k books")
    max_weight: float = Field(
        default=0.1, gt=0.0, le=1.0, description="largest weight of one stock in the long-only books"
    )
    capital: float = Field(default=1e8, gt=0.0, description="currency units of the account at the start")
    lot: int = Field(
        default=100,
        ge=0,
        description="shares of a trading unit of the account; 0 trades fractions of a share",
    )
    borrow_bps_per_year: float = Field(
        default=115.0,
        ge=0.0,
        description="fee per calendar year on the account's short value, in basis points; an assumption, put your "
        "broker's",
    )
    capitals: tuple[Capital, ...] = Field(
        default=(1e7, 1e8, 1e9, 1e10, 1e11),
        description="capitals of the capacity curve, currency units, rising; none for no curve",
    )

    @model_validator(mode="after")
    def _rising(self) -> TradingSettings:
        if any(later <= earlier for earlier, later in zip(self.capitals, self.capitals[1:], strict=False)):
            raise ValueError("capitals do not rise")
        return self
