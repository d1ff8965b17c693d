"""Settings of frequency adaptive normalisation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FrequencySettings(BaseModel):
    """Which features are split into a main component and a residual, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[str, ...] = Field(
        ("ret_1", "range_1", "turnover_shock_1", "close_location_1"),
        description="features that are split; none leaves the layer out",
    )
    window: int = Field(
        20, ge=2, le=250, description="sessions of the trailing window, its last one included"
    )
    components: int = Field(
        3, ge=1, description="frequencies of largest amplitude that make the main component"
    )

    @model_validator(mode="after")
    def _fits(self) -> FrequencySettings:
        if self.components > self.window // 2:
            raise ValueError(
                f"components = {self.components} leaves no residual in a window of {self.window};"
                f" at most {self.window // 2}"
            )
        if len(set(self.channels)) != len(self.channels):
            raise ValueError(f"a channel is named twice: {self.channels}")
        return self
