"""What a bundle says beside its weights; each field of `About` is a JSON file of its name."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

TargetName = Annotated[str, Field(pattern=r"^h[1-9]\d*_d\d+$")]
Described = dict[str, dict[str, Any]]
"""Something of each model, by the model's name."""


class Features(BaseModel):
    """The columns that the models read, in order."""

    model_config = _STRICT

    names: tuple[str, ...] = Field(min_length=1, description="names of the panel's features, in order")
    dtype: str = Field(description="how the panel stored them")
    code: str | None = Field(
        description="digest of the code and libraries that computed them; null where the panel names none"
    )


class Session(BaseModel):
    """A session that the models learned from."""

    model_config = _STRICT

    session: date = Field(description="its day")
    known: str = Field(
        description="SHA-256 of what was known then: features, presence, universe, market fields"
    )
    labels: str = Field(description="SHA-256 of its labels")


class Training(BaseModel):
    """What the models were made from."""

    model_config = _STRICT

    run: str = Field(description="name of the run")
    fold: str = Field(description="walk-forward fold, named by its first test year")
    market: str = Field(description="where the bars came from: files, a ready panel or the simulated market")
    files: dict[str, str] = Field(description="SHA-256 of each file of bars, as far as the panel names them")
    calendar: str = Field(description="exchange calendar")
    trained: tuple[date, date, int] = Field(description="first and last session learned from, and how many")
    chosen: tuple[date, date, int] = Field(
        description="the same of the sessions that chose settings and stopped"
    )
    refit: bool = Field(description="whether the models then learned from those sessions too")
    scores_from: date = Field(description="first session whose scores are out of sample")
    seed: int = Field(ge=0, description="first seed")
    panel: str = Field(description="SHA-256 over the panel's axes and the sessions below")
    sessions: tuple[Session, ...] = Field(
        min_length=1, description="every session learned from, or chosen on"
    )


class Measured(BaseModel):
    """RankIC of a model on the sessions that chose its settings."""

    model_config = _STRICT

    model: str = Field(description="name of the model")
    target: TargetName = Field(description="horizon and entry lag, such as h5_d1")
    rank_ic: float | None = Field(description="mean daily RankIC; null if it was not measured")


class Tested(Measured):
    """RankIC of a model out of sample, each year by models that saw only earlier years."""

    first: date = Field(description="first session tested")
    last: date = Field(description="last session tested")
    low: float | None = Field(description="lower end of the 95 % interval")
    high: float | None = Field(description="upper end")
    days: int = Field(ge=0, description="sessions with a value")


class Evaluated(BaseModel):
    """How good the models are known to be."""

    model_config = _STRICT

    validation: tuple[Measured, ...] = Field(description="a line for each model and target")
    test: tuple[Tested, ...] = Field(description="the same out of sample; empty if the run was not evaluated")


class About(BaseModel):
    """All that a bundle says beside its weights."""

    model_config = _STRICT

    settings: Described = Field(description="resolved settings that scores depend on, by section")
    features: Features = Field(description="what the models read")
    normaliser: Described = Field(
        description="how each model's inputs are scaled, and the state that this takes"
    )
    graph: Described = Field(description="how each model's stocks are linked")
    targets: tuple[TargetName, ...] = Field(min_length=1, description="the models' outputs, in order")
    training: Training = Field(description="what the models were made from")
    evaluation: Evaluated = Field(description="how good they are known to be")
    versions: dict[str, dict[str, str]] = Field(
        description="Python, libraries and machine that trained each model"
    )
