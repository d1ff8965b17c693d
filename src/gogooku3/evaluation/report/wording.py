"""Numbers and lists as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

NONE = "–"  # noqa: RUF001 (an en dash is the usual sign for no value)


def number(value: float | None, digits: int = 3) -> str:
    """Return a fixed-point number, a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share as a percentage."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{number(100 * value, digits)} %"


def interval(low: float, high: float, digits: int = 3) -> str:
    """Return both ends of an interval."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return NONE
    return f"{number(low, digits)} to {number(high, digits)}"


def listed(items: Sequence[object]) -> str:
    """Return ``a, b and c``."""
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def sessions(horizons: Sequence[int]) -> str:
    """Return ``5, 10 and 20 sessions``."""
    return f"{listed(horizons)} session{'' if list(horizons) == [1] else 's'}"
