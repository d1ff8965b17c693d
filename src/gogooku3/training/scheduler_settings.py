"""What the user can choose about the course of the learning rate."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.errors import SettingsError

SchedulerType = Literal["constant", "warmup_cosine", "plateau", "cosine_restarts", "one_cycle"]

_READ: dict[SchedulerType, frozenset[str]] = {
    "constant": frozenset(),
    "warmup_cosine": frozenset({"eta_min", "warmup_share"}),
    "plateau": frozenset({"eta_min", "plateau_factor", "plateau_patience"}),
    "cosine_restarts": frozenset({"eta_min", "t0", "t_mult"}),
    "one_cycle": frozenset({"eta_min", "warmup_share"}),
}


class SchedulerSettings(BaseModel):
    """How the learning rate changes from step to step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: SchedulerType = Field("warmup_cosine", description="course of the learning rate")
    eta_min: float = Field(
        5e-5,
        ge=0,
        allow_inf_nan=False,
        description="learning rate that a cosine ends at and a plateau stops at",
    )
    warmup_share: float = Field(
        0.1, ge=0, lt=1, description="share of all steps in which the rate rises (warmup_cosine, one_cycle)"
    )
    t0: int = Field(3, ge=1, description="epochs until the first restart (cosine_restarts)")
    t_mult: int = Field(2, ge=1, description="how many times as long each next cycle is (cosine_restarts)")
    plateau_factor: float = Field(
        0.5, gt=0, lt=1, description="what the rate is multiplied by when validation stops rising (plateau)"
    )
    plateau_patience: int = Field(
        2, ge=0, description="epochs in a row without a better validation score that are let pass (plateau)"
    )

    @property
    def unread(self) -> frozenset[str]:
        """Names of the settings that this course does not read."""
        return frozenset(SchedulerSettings.model_fields) - _READ[self.type] - {"type"}

    def refuse_high_floor(self, learning_rate: float) -> None:
        """Refuse an ``eta_min`` that the learning rate would rise to, or never leave.

        Raises:
            SettingsError: ``eta_min`` is at or above the learning rate, and this course reads it.
        """
        if "eta_min" not in self.unread and self.eta_min >= learning_rate:
            raise SettingsError(
                "the learning rate would end no lower than it begins",
                where="scheduler.eta_min, optimizer.learning_rate",
                got=f"scheduler.eta_min {self.eta_min}, optimizer.learning_rate {learning_rate}",
                expected="scheduler.eta_min below optimizer.learning_rate",
                remedy="lower scheduler.eta_min, raise optimizer.learning_rate, or set scheduler.type to constant",
            )
