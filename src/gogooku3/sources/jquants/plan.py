"""What each plan of J-Quants allows."""

from __future__ import annotations

from typing import Literal

Plan = Literal["free", "light", "standard", "premium"]

PLANS: tuple[Plan, ...] = ("free", "light", "standard", "premium")
"""From the smallest to the largest."""

REQUESTS_A_MINUTE: dict[Plan, int] = {"free": 5, "light": 60, "standard": 120, "premium": 500}
"""https://jpx-jquants.com/en/spec/rate-limits"""

DELAY_DAYS: dict[Plan, int] = {"free": 84, "light": 0, "standard": 0, "premium": 0}
"""Calendar days that the newest data are behind (https://jpx-jquants.com/en/spec/data-spec)."""


def includes(plan: Plan, least: Plan) -> bool:
    """Return whether a plan has what the plan ``least`` has."""
    return PLANS.index(plan) >= PLANS.index(least)
