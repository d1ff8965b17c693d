"""How a search goes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SweepSettings(BaseModel):
    """Trials, what they are measured on, and what happens to those that do not end well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("sweep", min_length=1, description="name of the study")
    trials: int = Field(
        20, ge=1, description="trials that end, those that fail for good and pruned ones included"
    )
    epochs: int = Field(10, ge=1, description="epochs of a trial at most")
    workers: int = Field(1, ge=1, description="trials at work at the same time on this machine")
    seed: int = Field(0, ge=0, description="seed of the sampler; models are seeded by train.seed")
    sampler: Literal["tpe", "random"] = Field("tpe", description="how the next values are chosen")
    pruner: Literal["median", "none"] = Field(
        "median", description="whether a trial below the median of the others at an epoch is ended"
    )
    startup: int = Field(
        5, ge=0, description="trials that end before any is pruned or chosen by the sampler's model"
    )
    patience: int = Field(2, ge=0, description="the first epoch after which a trial may be pruned")
    folds: int = Field(
        2, ge=1, description="test years that a trial is measured on: the last ones that are not locked"
    )
    horizons: tuple[int, ...] = Field(
        (), description="horizons whose RankIC at lag 1 is the objective; empty for all"
    )
    retries: int = Field(2, ge=0, description="times that a trial is queued again whose process was killed")
    minutes: float | None = Field(
        None, gt=0, description="minutes after which a trial is ended and failed; null: any number"
    )
    silent_minutes: float | None = Field(
        120.0,
        gt=0,
        description="minutes without a finished epoch after which a trial is ended and failed; null: any number",
    )
    memory_mb: int | None = Field(None, ge=256, description="memory at which a trial is failed, in MB")
    heartbeat: int = Field(
        30, ge=1, description="seconds between signs of life of a trial, for other machines"
    )
    grace: int = Field(
        120, ge=2, description="seconds without one after which another machine takes a trial for dead"
    )
