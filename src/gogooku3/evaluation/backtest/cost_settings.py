"""What trading costs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_SPREAD = frozenset({"spread_window", "spread_floor_bps", "spread_cap_bps"})
_IMPACT = frozenset({"impact_eta", "impact_exponent", "impact_gamma"})


class CostSettings(BaseModel):
    """Costs of a trade of value x in a stock of daily volatility s and average daily turnover v, per x.

    ``bps + half-spread + s * (impact_gamma / 2 * p + impact_eta * p ** impact_exponent)``, ``p = x / v``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bps: float = Field(default=10.0, ge=0.0, description="cost per unit of traded weight, in basis points")
    spread: Literal["none", "edge"] = Field(
        default="none", description="edge: half the effective spread as estimated from daily bars"
    )
    spread_window: int = Field(
        default=240, ge=24, description="sessions of the spread's estimate, in twelfths"
    )
    spread_floor_bps: float = Field(default=5.0, ge=0.0, description="smallest spread, in basis points")
    spread_cap_bps: float = Field(default=500.0, gt=0.0, description="largest spread, in basis points")
    impact: Literal["none", "power"] = Field(
        default="none", description="power: a power law of the share of daily turnover (Almgren et al. 2005)"
    )
    impact_eta: float = Field(
        default=0.5,
        ge=0.0,
        description="coefficient of the power law; 2/3 of a peak impact near one volatility at all of a day's "
        "volume (Almgren et al. 2005: 0.142)",
    )
    impact_exponent: float = Field(
        default=0.5,
        gt=0.0,
        le=1.0,
        description="exponent of the power law; 1/2 in Tokyo (Sato and Kanazawa 2024; Almgren et al. 2005: 0.6)",
    )
    impact_gamma: float = Field(
        default=0.0,
        ge=0.0,
        description="coefficient of permanent impact, half of which is paid (Almgren et al. 2005: 0.314)",
    )
    window: int = Field(default=20, ge=5, description="sessions of volatility and average daily turnover")
    borrow_bps_per_year: float = Field(
        default=0.0, ge=0.0, description="fee per calendar year on the short value, in basis points"
    )

    @model_validator(mode="after")
    def _consistent(self) -> CostSettings:
        for model, names in (("spread", _SPREAD), ("impact", _IMPACT)):
            idle = sorted(names & self.model_fields_set)
            if getattr(self, model) == "none" and idle:
                raise ValueError(f"{', '.join(idle)} has no effect with {model} = none")
        if self.spread_floor_bps > self.spread_cap_bps:
            raise ValueError("spread_floor_bps is above spread_cap_bps")
        return self
