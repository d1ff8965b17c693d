"""Which weights are made of a session's scores."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ConstructionSettings(BaseModel):
    """The legs of a session: whom to hold, how much of each, under which limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Literal["long_short", "long_only"] = Field(
        default="long_short",
        description="long_short: 1 of the equity in each leg; long_only: the long leg alone",
    )
    kind: Literal["decile", "top_k", "rank"] = Field(
        default="decile",
        description="decile: extreme buckets, equally weighted; top_k: the k best and k worst; rank: all names, "
        "by the distance of their rank from the middle",
    )
    quantiles: int = Field(default=10, ge=2, description="buckets of the construction decile")
    k: int | None = Field(default=None, ge=1, description="names per leg of the construction top_k")
    min_names: int = Field(default=20, ge=2, description="scored names that a session needs to be ranked")
    sector_neutral: bool = Field(
        default=False,
        description="rank within sectors; a sector weighs its share of the scored names, the same in both legs",
    )
    max_weight: float | None = Field(
        default=None,
        gt=0.0,
        le=1.0,
        description="largest absolute target weight of one stock; what is cut goes to its leg's other names",
    )

    @model_validator(mode="after")
    def _consistent(self) -> ConstructionSettings:
        if self.kind == "top_k" and self.k is None:
            raise ValueError("kind = top_k needs k, the names per leg")
        if self.kind != "top_k" and self.k is not None:
            raise ValueError(f"k is of kind = top_k; kind = {self.kind} has no use for it")
        if self.kind != "decile" and "quantiles" in self.model_fields_set:
            raise ValueError(f"quantiles is of kind = decile; kind = {self.kind} has no use for it")
        return self
