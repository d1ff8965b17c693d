"""Which models are blended."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gogooku3.models.names import BlendedName


class BlendSettings(BaseModel):
    """Two models of the run whose ranks are averaged by weights learnt from earlier test years."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: tuple[BlendedName, BlendedName] = Field(("lightgbm", "atft_gat_fan"), description="the two models")
    steps: int = Field(10, ge=2, description="weights tried are 0, 1/steps, ..., 1")

    @field_validator("of")
    @classmethod
    def _two_others(cls, of: tuple[BlendedName, BlendedName]) -> tuple[BlendedName, BlendedName]:
        if of[0] == of[1]:
            raise ValueError(f"a blend is of two different models, not of {of[0]} and {of[1]}")
        return of
