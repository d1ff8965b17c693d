"""What market is simulated."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SignalName = Literal["linear", "interaction", "pattern", "lead_lag"]


class SimulationSettings(BaseModel):
    """A simulated market: its size, its accidents and the parts of the planted signal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, description="seed of every random stream")
    stocks: int = Field(default=400, ge=20, le=9000, description="stocks that ever trade")
    sessions: int = Field(
        default=1550, ge=80, le=10_000, description="exchange sessions, counted back from the end"
    )
    end: date = Field(
        default=date(2025, 12, 30), description="the last session is the last one on or before this day"
    )
    calendar: str = Field(default="XTKS", description="exchange calendar that gives the sessions")
    sectors: int = Field(default=12, ge=1, description="sectors, unrelated to the hidden groups")
    group_size: int = Field(default=6, ge=2, description="stocks of a hidden group, its leader included")
    signals: tuple[SignalName, ...] = Field(
        default=("linear", "interaction", "pattern", "lead_lag"),
        description="parts of the planted signal that are switched on; the noise is the same whichever are",
    )
    strength: float = Field(
        default=1.0, ge=0.0, le=5.0, description="multiplies the expected returns of every part"
    )
    listed_later: float = Field(
        default=0.12, ge=0.0, le=0.4, description="share of stocks listed after the first session"
    )
    delisted: float = Field(
        default=0.08, ge=0.0, le=0.4, description="share of stocks that end before the last session"
    )
    halt_rate: float = Field(
        default=0.001,
        ge=0.0,
        le=0.2,
        description="chance that a halt of 1 to 5 sessions starts on a session of a stock",
    )

    @model_validator(mode="after")
    def _each_signal_once(self) -> Self:
        if len(set(self.signals)) != len(self.signals):
            raise ValueError(f"a signal is named twice: {self.signals}")
        return self
