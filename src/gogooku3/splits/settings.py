"""Which years are tested, and which are kept back."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SplitSettings(BaseModel):
    """Walk-forward by calendar year; the last year before a test year is for stopping."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_years: int = Field(5, ge=1, description="calendar years tested, one fold each")
    first_test_year: int | None = Field(
        None, description="first year tested; the latest years before the locked ones if not given"
    )
    first_locked_year: int | None = Field(
        None,
        description="this year and all later ones are kept back; the last locked_years of the data if not given",
    )
    locked_years: int = Field(1, ge=0, description="last calendar years of the data, kept back for the end")
    min_train_sessions: int = Field(
        250, ge=1, description="sessions with rows that the first fold must have to train on"
    )
