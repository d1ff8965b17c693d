"""Many tries as plain data."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from gogooku3.evaluation.many_tries.many_tries import ManyTries


def tries_to_dict(tries: ManyTries) -> dict[str, Any]:
    """Return plain data for JSON; what does not exist is None, and so is a track record that is never long enough."""
    rows = {
        name: [_plain(dataclasses.asdict(one) | {"target": str(one.target)}) for one in found]
        for name, found in (("tries", tries.tries), ("superiority", tries.superiority))
    }
    figures = {"effective_trials": tries.effective_trials, "overfitting": tries.overfitting}
    return {"trials": tries.trials, **_plain(figures), **rows, "unseen": list(tries.unseen)}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
