"""What can be traded."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FillSettings(BaseModel):
    """Which orders are filled; a stock without a bar, a trusted link or a trade is never."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit_move: float | None = Field(
        default=0.13,
        gt=0.0,
        lt=1.0,
        description="a bar of one price, this far from the last close, is taken as locked at the daily limit and "
        "not traded; the narrowest of Tokyo's limits is 14 % (JPX, daily price limits); none: never locked",
    )
    max_participation: float | None = Field(
        default=None,
        gt=0.0,
        description="largest share of the average daily turnover that is traded in one stock and session",
    )
