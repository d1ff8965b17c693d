"""Names of models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

RowModelName = Literal["ridge", "lightgbm"]
"""Models that score stock-days one by one."""

DeepName = Literal["gru", "atft_gat_fan"]
"""Models that read stretches of sessions."""

BlendedName = Literal["ridge", "lightgbm", "gru", "atft_gat_fan"]
"""Models that can be blended."""

ModelName = Literal["ridge", "lightgbm", "gru", "atft_gat_fan", "blend"]
"""All models of a run."""

DEEP: tuple[DeepName, ...] = get_args(DeepName)
OF_ROWS: tuple[RowModelName, ...] = get_args(RowModelName)


def of_rows(models: Iterable[ModelName]) -> tuple[RowModelName, ...]:
    """Return those of some models that score stock-days one by one, in their order."""
    return tuple(name for model in models for name in OF_ROWS if name == model)


def deep_of(models: Iterable[ModelName]) -> tuple[DeepName, ...]:
    """Return those of some models that read stretches of sessions, in their order."""
    return tuple(name for model in models for name in DEEP if name == model)


def sections_of(model: ModelName) -> frozenset[str]:
    """Return the sections of settings that a model reads, beside ``train``."""
    deep = frozenset({"deep", "loss", "optimizer", "scheduler", "frequency"})
    match model:
        case "ridge" | "lightgbm":
            return frozenset({model})
        case "gru":
            return deep | {"gru"}
        case "atft_gat_fan":
            return deep | {"atft", "graph"}
        case "blend":  # whichever two it is of
            return deep | {"blend", "ridge", "lightgbm", "gru", "atft", "graph"}
