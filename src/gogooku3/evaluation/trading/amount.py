"""Amounts of money in words."""

from __future__ import annotations

_UNITS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def amount(value: float) -> str:
    """Return an amount of money in words, such as ``100 million``."""
    for unit, name in _UNITS:
        if value >= unit:
            return f"{value / unit:.4g} {name}"
    return f"{value:,.0f}"
