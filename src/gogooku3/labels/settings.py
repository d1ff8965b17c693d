"""Which targets are computed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.labels.target import Target


class LabelSettings(BaseModel):
    """Every horizon at every entry lag is a target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    horizons: tuple[int, ...] = Field((1, 5, 10, 20), min_length=1, description="sessions held")
    lags: tuple[int, ...] = Field((0, 1), min_length=1, description="sessions between score and entry")

    @property
    def targets(self) -> tuple[Target, ...]:
        """All pairs of horizon and lag, sorted."""
        return tuple(sorted(Target(h, d) for h in set(self.horizons) for d in set(self.lags)))
