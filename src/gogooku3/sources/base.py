"""What every source of bars offers."""

from __future__ import annotations

from typing import Protocol

from gogooku3.market.bars import Bars


class Source(Protocol):
    """Where bars come from."""

    def load(self) -> Bars:
        """Return all bars, with canonical names and types and nothing else checked."""
