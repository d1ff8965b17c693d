"""The arrays of a block, read from the encoded panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gogooku3.axes import BoolDN
from gogooku3.scoring.encode import EncodedLNC

Item = tuple[int, int, np.ndarray]
"""First session, session after the last, and stocks on the panel's axis."""


@dataclass(frozen=True, eq=False, kw_only=True)
class BlockReader:
    """Reads sessions of some stocks with the warm-up before them; knows nothing of torch.

    It can be sent to another process: a mapped file is mapped again there.

    Attributes:
        first: Session of the panel that the first of ``x`` is.
        x: Encoded sessions, float16 [D, N, C].
        present: True where the stock has a bar, [sessions of the panel, N].
        universe: True where the stock can be ranked, [sessions of the panel, N].
        lookback: Sessions that one score reads.
    """

    first: int
    x: EncodedLNC
    present: BoolDN
    universe: BoolDN
    lookback: int

    def __call__(self, item: Item) -> dict[str, np.ndarray]:
        """Return ``x`` float32 [W, N, C], ``present`` [W, N] and ``scored`` [L, N] of an item.

        Sessions before the first encoded one count as sessions without a bar.
        """
        start, stop, stocks = item
        begin = start - self.lookback + 1
        low = max(begin, self.first)
        x = np.full((stop - begin, len(stocks), self.x.shape[2]), np.nan, dtype=np.float32)
        present = np.zeros(x.shape[:2], dtype=np.bool_)
        x[low - begin :] = self.x[low - self.first : stop - self.first, stocks]
        present[low - begin :] = self.present[low:stop, stocks]
        return {"x": x, "present": present, "scored": self.universe[start:stop, stocks]}

    def most_bytes(self, sessions: int) -> int:
        """Return the bytes of an item of so many sessions and all stocks, at most."""
        stocks, columns = int(self.universe.any(axis=0).sum()), int(self.x.shape[2])
        return (sessions + self.lookback) * stocks * (4 * columns + 2) + 65_536

    def __getstate__(self) -> dict[str, Any]:
        """Name a mapped file instead of copying it."""
        state = dict(vars(self))
        if isinstance(self.x, np.memmap):
            state["x"] = str(self.x.filename)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map a named file again."""
        for name, value in state.items():
            mapped = np.load(value, mmap_mode="r") if isinstance(value, str) else value
            object.__setattr__(self, name, mapped)
