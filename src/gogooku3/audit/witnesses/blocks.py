"""A panel in parts whose bounds do not depend on how it is stored."""

from __future__ import annotations

from collections.abc import Iterator

from gogooku3.panel.block import Block
from gogooku3.panel.panel import Panel

_SESSIONS = 125


def parts(panel: Panel, until: int) -> Iterator[tuple[str, Block, tuple[str, ...]]]:
    """Yield a label, a block and its codes for all sessions up to and including ``until``."""
    for start in range(0, until + 1, _SESSIONS):
        for block in panel.blocks(start, min(start + _SESSIONS, until + 1)):
            codes = tuple(panel.codes[n] for n in block.stock)
            yield f"from {block.sessions[0]}", block, codes
