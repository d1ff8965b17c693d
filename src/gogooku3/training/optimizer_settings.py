"""What the user can choose about the optimizer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gogooku3.errors import SettingsError

OptimizerType = Literal["adamw", "adabelief", "radam", "lion", "adan"]

_BETAS: dict[OptimizerType, tuple[float, ...]] = {"lion": (0.9, 0.99), "adan": (0.98, 0.92, 0.99)}
_EPS: dict[OptimizerType, float] = {"adabelief": 1e-16}


class OptimizerSettings(BaseModel):
    """The rule by which gradients move parameters, and its constants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: OptimizerType = Field("adamw", description="rule of the update")
    learning_rate: float = Field(
        2e-3, gt=0, allow_inf_nan=False, description="learning rate, the highest that the schedule reaches"
    )
    weight_decay: float = Field(
        1e-2,
        ge=0,
        allow_inf_nan=False,
        description="share of a weight that a step takes away, per learning rate; biases, norms and gates keep theirs",
    )
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], ...] | None = Field(
        None,
        description="decay rates of the moments, three for adan and two otherwise; null: the rule's usual ones",
    )
    eps: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="added to the denominator; null: 1e-16 for adabelief, 1e-8 for others",
    )

    @model_validator(mode="after")
    def _as_many_betas_as_moments(self) -> OptimizerSettings:
        moments = 3 if self.type == "adan" else 2
        if len(self.decay_rates) != moments:
            raise SettingsError(
                "the moments do not have one decay rate each",
                got=f"betas {list(self.decay_rates)}",
                expected=f"{moments} for {self.type}",
            )
        return self

    @property
    def decay_rates(self) -> tuple[float, ...]:
        """Decay rates of the moments: the given ones, or the rule's usual ones."""
        return _BETAS.get(self.type, (0.9, 0.999)) if self.betas is None else self.betas

    @property
    def epsilon(self) -> float:
        """What is added to the denominator: the given value, or the rule's usual one."""
        return _EPS.get(self.type, 1e-8) if self.eps is None else self.eps

    @property
    def unread(self) -> frozenset[str]:
        """Names of the settings that this rule does not read."""
        return frozenset({"eps"} if self.type == "lion" else ())
