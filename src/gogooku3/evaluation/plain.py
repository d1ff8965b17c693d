"""Results as plain data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gogooku3.labels.target import Target


def plain(value: Any) -> Any:
    """Return dataclasses, settings, targets and collections of them as JSON has them; NaN and infinities as None."""
    if isinstance(value, Target):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        value = float(value) if math.isfinite(value) else None
    return value
