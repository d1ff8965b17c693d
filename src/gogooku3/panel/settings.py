"""What the user can choose about the panel."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.panel.panel_axes import Dtype

FeatureSetName = Literal["core", "alpha158"]


class PanelSettings(BaseModel):
    """How the panel is laid out and what it accepts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path | None = Field(
        None, description="a ready panel (a folder or an .arrow file) to use instead of bars"
    )
    features: FeatureSetName = Field(
        "core", description="core: the product's own features; alpha158: those of Qlib's published set"
    )
    dtype: Dtype = Field(
        "float32", description="how features are stored; float16 halves the files at a relative error of 5e-4"
    )
    segment_sessions: int = Field(
        250, ge=1, description="sessions per segment file, fewer where they would exceed segment_megabytes"
    )
    segment_megabytes: int = Field(512, ge=1, description="size of a segment's features in memory, at most")
    allow_constant: tuple[str, ...] = Field(
        (),
        description="features that may be wholly missing or constant; any other such feature is refused by name",
    )
