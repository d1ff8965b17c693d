"""Which models are trained."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.models.names import ModelName


class TrainSettings(BaseModel):
    """The models of a run; each is fitted on every fold, for every target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[ModelName, ...] = Field(("ridge", "lightgbm"), min_length=1, description="models to fit")
    refit: bool = Field(
        True,
        description="after choosing on the validation year, fit on it too; False leaves it to stopping alone",
    )
    seed: int = Field(0, ge=0, description="first seed; further seeds count up from it")
