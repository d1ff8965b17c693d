"""How hard the audit looks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.audit.variant_name import VariantName


class AuditSettings(BaseModel):
    """Sampled stocks and sessions, and the smaller models that are trained anew for each of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0, description="seed of the sampled stocks and sessions and of all changed bars")
    stocks: int = Field(300, ge=20, description="stocks at most; a larger market is sampled")
    sessions: int = Field(8, ge=1, description="sessions t after which everything is changed")
    variants: tuple[VariantName, ...] = Field(
        ("delete", "perturb", "null"), min_length=1, description="what is done to the bars after t"
    )
    tail: int = Field(
        60,
        ge=5,
        description="changed sessions kept after t; what was there beyond is gone, which is a change too",
    )
    warm_up: tuple[int, ...] = Field(
        (1, 20, 120), description="sessions by which history starts later, one rebuild each"
    )
    alpha: float = Field(
        1e-4, gt=0, lt=0.5, description="chance of a false alarm of the label permutation, over all its tests"
    )
    trees: int = Field(6, ge=1, description="boosting rounds at most of the models trained for the audit")
    leaves: int = Field(7, ge=2, description="leaves per tree of those models")
    hidden: int = Field(16, ge=4, description="width at most of the deep models trained for the audit")
    first_violation: bool = Field(
        False, description="stop at the first rebuild or check that finds a violation; otherwise look at all"
    )
