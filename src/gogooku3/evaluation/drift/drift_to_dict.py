"""A drift report as plain data."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from gogooku3.evaluation.drift.drift_report import DriftReport


def drift_to_dict(report: DriftReport) -> dict[str, Any]:
    """Return plain data for JSON; what does not exist is None."""
    rows = {
        name: [_plain(dataclasses.asdict(one)) for one in found]
        for name, found in (("alarms", report.alarms), ("moved", report.moved))
    }
    return {**rows, "watched": report.watched}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
