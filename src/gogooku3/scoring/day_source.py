"""Encoded sessions of a panel as blocks for a deep model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gogooku3.axes import BoolDN
from gogooku3.models.day_block import DayBlock
from gogooku3.scoring.block_reader import BlockReader, Item
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

    def reader(self, lookback: int) -> BlockReader:
        """Return what reads the arrays of blocks, here or in another process."""
        return BlockReader(
            first=self.first, x=self.x, present=self.present, universe=self.universe, lookback=lookback
        )

    def block(self, start: int, stop: int, lookback: int, stocks: np.ndarray) -> DayBlock:
        """Return sessions [start, stop) of some stocks with the warm-up that ``lookback`` asks for.

        Args:
            start: First session that is scored.
            stop: Session after the last.
            lookback: Sessions that one score reads.
            stocks: Indices on the panel's stock axis, int64 [N].
        """
        item = (start, stop, stocks)
        return self.assemble(item, self.reader(lookback)(item))

    def assemble(self, item: Item, arrays: Mapping[str, np.ndarray]) -> DayBlock:
        """Return a block of the arrays that a reader made of an item."""
        import torch

        return DayBlock(
            x=torch.from_numpy(arrays["x"]),
            present=torch.from_numpy(arrays["present"]),
            scored=torch.from_numpy(arrays["scored"]),
            neighbours=None if self.graphs is None else link(self.graphs, *item),
        )
