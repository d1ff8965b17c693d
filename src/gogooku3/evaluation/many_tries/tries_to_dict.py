"""Many tries as plain data."""

from __future__ import annotations

from typing import Any

from gogooku3.evaluation.many_tries.many_tries import ManyTries
from gogooku3.evaluation.plain import plain


def tries_to_dict(tries: ManyTries) -> dict[str, Any]:
    """Return plain data for JSON; what does not exist is None, and so is a track record that is never long enough."""
    row: dict[str, Any] = plain(tries)
    return row
