"""A statement of the verdict."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One statement; a warning is shown as such."""

    text: str
    warning: bool = False
