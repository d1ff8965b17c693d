"""What is minimised."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

BaseName = Literal["mse", "huber", "ic", "pairwise", "listnet", "pinball"]
TargetName = Literal["raw", "rank", "sector_neutral", "beta_neutral", "factor_neutral"]
MEDIAN = 0.5


class LossSettings(BaseModel):
    """The loss of a ranking model: base + rank_weight x (1 - Spearman), on what target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: BaseName = Field("mse", description="loss of the standardised scores of a session")
    rank_weight: float = Field(
        0.1, ge=0.0, allow_inf_nan=False, description="weight of 1 - Spearman; 0 leaves the rank term out"
    )
    temperature: float = Field(
        0.1,
        gt=0.0,
        allow_inf_nan=False,
        description="softness of the ranks, in standard deviations of a session's scores",
    )
    horizon_weights: tuple[Annotated[float, Field(ge=0.0, allow_inf_nan=False)], ...] = Field(
        (), description="weight of each trained target, in their order; empty for equal weights"
    )
    target: TargetName = Field("rank", description="what is predicted, made from the forward return")
    factors: tuple[str, ...] = Field(
        ("beta_250",),
        description="features whose common return factor_neutral takes off each session's labels, beside sectors",
    )
    neutral_share: float = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="share of the neutral rank in a neutral target; the rest is the rank of the plain return",
    )
    huber_delta: float = Field(
        1.0, gt=0.0, allow_inf_nan=False, description="error at which huber turns from a square to a line"
    )
    pairs: int = Field(8, ge=1, description="partners drawn for each stock by pairwise, every step anew")
    quantiles: tuple[Annotated[float, Field(gt=0.0, lt=1.0)], ...] = Field(
        (0.1, 0.5, 0.9), description="what the last axis of pinball's scores holds; the median ranks"
    )

    @field_validator("horizon_weights")
    @classmethod
    def _some_weight(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        if weights and sum(weights) == 0.0:
            raise ValueError("all horizon weights are 0")
        return weights

    @field_validator("quantiles")
    @classmethod
    def _rising_around_the_median(cls, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        if list(quantiles) != sorted(set(quantiles)) or MEDIAN not in quantiles:
            raise ValueError("quantiles have to rise and contain 0.5, which ranks")
        return quantiles
