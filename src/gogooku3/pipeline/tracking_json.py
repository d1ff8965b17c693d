"""Tracked rankings as plain data."""

from __future__ import annotations

from typing import Any

from gogooku3.evaluation.plain import plain
from gogooku3.pipeline.tracking import TrackedTarget, Tracking


def tracking_to_json(tracking: Tracking) -> dict[str, Any]:
    """Return plain data for JSON; what is not known is None."""
    return {
        "models": [
            {
                **plain(model),
                "first": str(model.first),
                "last": str(model.last),
                "targets": [_target(target) for target in model.targets],
            }
            for model in tracking.models
        ],
        **{
            name: [{"file": one.file.name, "reason": one.reason} for one in found]
            for name, found in (
                ("absent", tracking.absent),
                ("historical", tracking.historical),
                ("unread", tracking.unread),
            )
        },
    }


def _target(target: TrackedTarget) -> dict[str, Any]:
    days = [{**plain(day), "session": str(day.session)} for day in target.days]
    content: dict[str, Any] = {**plain(target), "days": days}
    return content
