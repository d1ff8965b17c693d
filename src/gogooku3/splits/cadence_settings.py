"""How often models are fitted anew."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CadenceName = Literal["yearly", "quarterly", "monthly"]
"""Calendar years, quarters or months."""


class RetrainSettings(BaseModel):
    """How the test years are cut: each part is scored by models that were fitted right before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cadence: CadenceName = Field(
        "yearly", description="how often models are fitted anew: a fold is a calendar year, quarter or month"
    )
