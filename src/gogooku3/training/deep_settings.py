"""How deep models are trained."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DeepSettings(BaseModel):
    """The training loop of all deep models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: int = Field(3, ge=1, description="members; their scores are averaged by rank")
    epochs: int = Field(3, ge=1, description="epochs at most")
    patience: int = Field(2, ge=1, description="epochs without a better validation RankIC that are let pass")
    sessions: int = Field(40, ge=1, description="consecutive sessions of a training block")
    parts: int = Field(4, ge=1, description="groups of linked stocks that a block is cut into, a step each")
    accumulate: int = Field(1, ge=1, description="blocks whose gradients are summed before a step")
    clip: float = Field(1.0, gt=0, description="largest norm of a step's gradient")
    ema: float = Field(0.99, ge=0, lt=1, description="decay of the averaged weights that score; 0 for none")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="arithmetic of matrix products; bfloat16 is slower on processors measured so far",
    )
    compile: bool = Field(
        False, description="compile the model; needs a C++ compiler, costs minutes at the start"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where models are trained and score")
    threads: int = Field(0, ge=0, description="threads of matrix products; 0 for the processor's cores")
    prefetch: bool = Field(False, description="read blocks in a process of their own")
    checkpoint_every: int = Field(100, ge=1, description="steps between checkpoints")
    tensorboard: bool = Field(False, description="also write the curves for TensorBoard")
