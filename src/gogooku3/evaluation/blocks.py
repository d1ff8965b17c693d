"""Long grids are worked through a few sessions at a time."""

from __future__ import annotations

from collections.abc import Iterator

_SESSIONS = (
    64  # temporaries of this many rows stay in the cache; whole grids would spend their time in page faults
)


def row_blocks(days: int) -> Iterator[slice]:
    """Yield slices of consecutive rows that cover ``days`` rows."""
    for start in range(0, days, _SESSIONS):
        yield slice(start, min(start + _SESSIONS, days))
