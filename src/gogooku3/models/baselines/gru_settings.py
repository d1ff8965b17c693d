"""Settings of the GRU baseline."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class GruSettings(BaseModel):
    """A gated recurrent network over each stock's last sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: int = Field(64, ge=4, le=1024, description="width of the recurrent state")
    lookback: int = Field(20, ge=1, le=250, description="sessions that one score reads, its own included")
    dropout: float = Field(0.1, ge=0.0, lt=1.0, description="share of channels dropped in training")
