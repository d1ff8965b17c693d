"""The settings that a point of a space stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gogooku3.sweeps.space import ETA_RATIO, WEIGHTS, Value

_POWERS = {"equal": 0.0, "short": -0.5, "long": 0.5}  # of the horizon


def settings_of(
    params: Mapping[str, Value], *, learning_rate: float, horizons: Sequence[int]
) -> dict[str, Any]:
    """Return the settings by dotted key that a point stands for.

    Args:
        params: The point, or a part of it.
        learning_rate: The highest learning rate where the point names none.
        horizons: The horizon of every target, in their order.
    """
    found: dict[str, Any] = {}
    for name, value in params.items():
        if name == ETA_RATIO:
            rate = params.get("optimizer.learning_rate", learning_rate)
            found["scheduler.eta_min"] = float(value) * float(rate)
        elif name == WEIGHTS and value in _POWERS:
            found[WEIGHTS] = _weights(str(value), horizons)
        else:
            found[name] = json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value
    return found


def _weights(name: str, horizons: Sequence[int]) -> list[float]:
    """Return the weight of every target, mean 1; none if all are equal."""
    if name == "equal":
        return []
    weights = np.array(horizons, dtype=np.float64) ** _POWERS[name]
    return [round(float(weight), 6) for weight in weights / weights.mean()]
