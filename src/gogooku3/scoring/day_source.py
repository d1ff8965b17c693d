"""Encoded sessions of a panel as blocks for a deep model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gogooku3.axes import BoolDN
from gogooku3.models.day_block import DayBlock
from gogooku3.scoring.encode import EncodedLNC
from gogooku3.scoring.link import link

if TYPE_CHECKING:
    from gogooku3.graphs.graphs import Graphs


@dataclass(frozen=True, eq=False, kw_only=True)
class DaySource:
    """All that a deep model may read, on the panel's axes; labels are not among it.

    Attributes:
        first: Session of the panel that the first of ``x`` is.
        x: Encoded sessions, float16 [D, N, C], a mapped file or memory.
        present: True where the stock has a bar, [sessions of the panel, N].
        universe: True where the stock can be ranked, [sessions of the panel, N].
        graphs: Who is linked to whom; None if no model asks.
    """

    first: int
    x: EncodedLNC
    present: BoolDN
    universe: BoolDN
    graphs: Graphs | None = None

    @property
    def names(self) -> int:
        """Columns C."""
        return int(self.x.shape[2])

    def stocks(self, start: int, stop: int) -> np.ndarray:
        """Return the stocks that are in the universe on any of the sessions [start, stop), increasing."""
        return np.flatnonzero(self.universe[start:stop].any(axis=0))

    def block(self, start: int, stop: int, lookback: int, stocks: np.ndarray) -> DayBlock:
        """Return sessions [start, stop) of some stocks with the warm-up that ``lookback`` asks for.

        Sessions before the first encoded one count as sessions without a bar.

        Args:
            start: First session that is scored.
            stop: Session after the last.
            lookback: Sessions that one score reads.
            stocks: Indices on the panel's stock axis, int64 [N].
        """
        import torch

        begin = start - lookback + 1
        held = slice(max(begin, self.first), stop)
        x = np.full((stop - begin, len(stocks), self.x.shape[2]), np.nan, dtype=np.float32)
        present = np.zeros(x.shape[:2], dtype=np.bool_)
        x[held.start - begin :] = self.x[held.start - self.first : stop - self.first, stocks]
        present[held.start - begin :] = self.present[held, stocks]
        return DayBlock(
            x=torch.from_numpy(x),
            present=torch.from_numpy(present),
            scored=torch.from_numpy(self.universe[start:stop, stocks]),
            neighbours=None if self.graphs is None else link(self.graphs, start, stop, stocks),
        )
