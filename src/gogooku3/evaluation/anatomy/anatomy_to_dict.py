"""An anatomy as plain data."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from gogooku3.evaluation.anatomy.anatomy import Anatomy


def anatomy_to_dict(anatomy: Anatomy) -> dict[str, Any]:
    """Return plain data for JSON; a number that does not exist is None, the target is its name."""
    target = anatomy.target
    row = dataclasses.asdict(anatomy)
    named = {"target": str(target), "horizon": target.horizon, "lag": target.lag}
    plain: dict[str, Any] = _plain({"model": row.pop("model"), **named, **_without(row, "target")})
    return plain


def _without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
