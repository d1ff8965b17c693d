"""When a score is traded, and for how long."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ScheduleSettings(BaseModel):
    """Overlapping tranches: 1 / holding of the equity is set to new targets each session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holding: int = Field(
        default=5, ge=1, description="sessions a tranche is held, which is the number of tranches"
    )
    lag: int = Field(default=1, ge=0, description="sessions between the score and the trade")
    entry: Literal["close", "open"] = Field(
        default="close", description="price of the session at which is traded"
    )

    @model_validator(mode="after")
    def _consistent(self) -> ScheduleSettings:
        if self.entry == "open" and self.lag == 0:
            raise ValueError("entry = open with lag = 0 trades before the close that the score is made of")
        return self
