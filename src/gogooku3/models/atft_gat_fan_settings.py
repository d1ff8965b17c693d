"""Settings of ATFT-GAT-FAN."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AtftGatFanSettings(BaseModel):
    """Width, depth and field of ATFT-GAT-FAN; everything else is derived from them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: int = Field(64, ge=8, le=1024, multiple_of=8, description="channels of every layer")
    lookback: int = Field(60, ge=1, le=500, description="sessions that one score reads, its own included")
    convolutions: int = Field(
        3, ge=0, le=6, description="causal convolutions of three taps; the dilations are 1, 2, 4, ..."
    )
    heads: int = Field(4, ge=1, le=16, description="heads of the attention over the lookback")
    filters: int = Field(
        0,
        ge=0,
        le=1024,
        description="signed filters over the lookback beside the attention; 0 leaves them out",
    )
    dropout: float = Field(0.1, ge=0.0, lt=1.0, description="share of channels dropped in training")
    feature_dropout: float = Field(
        0.0, ge=0.0, lt=1.0, description="share of features that are missing to a whole block in training"
    )
    gat_layers: int = Field(1, ge=0, le=10, description="layers of graph attention; 0 leaves the graph out")
    gat_dropout: float = Field(0.1, ge=0.0, lt=1.0, description="share of neighbours dropped in training")

    @property
    def convolution_field(self) -> int:
        """Sessions that one output of the convolutions reads."""
        return 2 * ((1 << self.convolutions) - 1) + 1

    @property
    def span(self) -> int:
        """Sessions that the attention sees, so that it and the convolutions read ``lookback`` together."""
        return self.lookback - self.convolution_field + 1

    @model_validator(mode="after")
    def _fits(self) -> AtftGatFanSettings:
        if self.hidden % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide hidden = {self.hidden}")
        if self.span < 1:
            raise ValueError(
                f"{self.convolutions} convolutions read {self.convolution_field} sessions, more than"
                f" lookback = {self.lookback}"
            )
        return self
