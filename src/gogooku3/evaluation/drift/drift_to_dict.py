"""A drift report as plain data."""

from __future__ import annotations

from typing import Any

from gogooku3.evaluation.drift.drift_report import DriftReport
from gogooku3.evaluation.plain import plain


def drift_to_dict(report: DriftReport) -> dict[str, Any]:
    """Return plain data for JSON; what does not exist is None."""
    row: dict[str, Any] = plain(report)
    return row
