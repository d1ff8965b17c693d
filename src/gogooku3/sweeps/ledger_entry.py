"""One line of a sweep's ledger: an attempt at a trial that has ended."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gogooku3.storage.hashing import digest_json
from gogooku3.sweeps.engines.protocol import Why

State = Literal["COMPLETE", "PRUNED", "FAIL"]

_SEAL = "seal"
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class SeriesFile(BaseModel):
    """A trial's daily series on disk."""

    model_config = _STRICT

    name: str = Field(
        pattern=r"^series/\d+-\d+\.parquet$", description="path below the sweep's folder, with /"
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file's bytes, in hex")


class LedgerEntry(BaseModel):
    """What is kept of an attempt that has ended, however it did."""

    model_config = _STRICT

    number: int = Field(ge=0, description="number of the trial in its study")
    attempt: int = Field(0, ge=0, description="0, or how often the trial had been queued again before")
    params: dict[str, bool | int | float | str] = Field(description="parameters, name to value")
    seed: int = Field(ge=0, description="seed of the models")
    state: State = Field(description="how the attempt ended")
    why: Why | Literal["pruned"] | None = Field(None, description="what ended it, null if complete")
    reason: str | None = Field(None, description="the same in a sentence, null if complete")
    traceback: str | None = Field(None, description="where an error was raised, null if none was")
    value: float | None = Field(None, description="the objective, null unless complete")
    epochs: tuple[int, ...] = Field((), description="epochs that each fold chose")
    fold_rank_ic: tuple[float | None, ...] = Field((), description="mean RankIC of each fold")
    started: datetime = Field(description="UTC")
    ended: datetime = Field(description="UTC")
    seconds: float = Field(ge=0, description="time at work, by a clock that is not set")
    memory_mb: float | None = Field(None, ge=0, description="peak memory, null if unknown")
    series: SeriesFile | None = Field(None, description="daily series, null unless complete")

    @field_validator("reason", "traceback", mode="before")
    @classmethod
    def _in_unicode(cls, text: object) -> object:
        """Mark characters that no text has, such as those of a file's undecodable name."""
        return text.encode(errors="replace").decode() if isinstance(text, str) else text

    @field_validator("started", "ended")
    @classmethod
    def _in_utc(cls, moment: datetime) -> datetime:
        if moment.utcoffset() != timedelta(0):
            raise ValueError("a moment has to be in UTC")
        return moment

    @model_validator(mode="after")
    def _ended_one_way(self) -> LedgerEntry:
        complete = self.state == "COMPLETE"
        if complete != (self.value is not None):
            raise ValueError("a value belongs to a complete trial and to no other")
        if complete != (self.why is None) or complete != (self.reason is None):
            raise ValueError(
                "what ended a trial belongs to one that is not complete, in a word and a sentence"
            )
        if (self.state == "PRUNED") != (self.why == "pruned"):
            raise ValueError("a trial is pruned where both state and why say so")
        if self.traceback is not None and self.state != "FAIL":
            raise ValueError("a traceback belongs to a failed trial")
        if self.series is not None and (
            not complete or self.series.name != f"series/{self.number}-{self.attempt}.parquet"
        ):
            raise ValueError("a series belongs to a complete trial and has its numbers for a name")
        return self

    def to_line(self) -> bytes:
        """Return the entry as a line of JSON, sealed by a digest over all it says."""
        body = self.model_dump(mode="json")
        text = json.dumps(body | {_SEAL: digest_json(body)}, ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> LedgerEntry:
        """Read a line.

        Raises:
            ValueError: It is not what was written.
        """
        body: Any = json.loads(line.decode())
        if not isinstance(body, dict) or body.pop(_SEAL, None) != digest_json(body):
            raise ValueError("content that does not fit its seal")
        return cls.model_validate_json(json.dumps(body))
