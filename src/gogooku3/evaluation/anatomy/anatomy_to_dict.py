"""An anatomy as plain data."""

from __future__ import annotations

from typing import Any

from gogooku3.evaluation.anatomy.anatomy import Anatomy
from gogooku3.evaluation.plain import plain


def anatomy_to_dict(anatomy: Anatomy) -> dict[str, Any]:
    """Return plain data for JSON; a number that does not exist is None, the target is its name."""
    row = plain(anatomy)
    model, target = row.pop("model"), row.pop("target")
    return {
        "model": model,
        "target": target,
        "horizon": anatomy.target.horizon,
        "lag": anatomy.target.lag,
        **row,
    }
