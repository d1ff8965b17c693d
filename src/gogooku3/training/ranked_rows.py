"""The universe's stock-days of a panel, as per-day ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import IndexR
from gogooku3.models.baselines.rows import Rows
from gogooku3.panel.panel import Panel
from gogooku3.progress import Progress
from gogooku3.scoring.rank_kernel import rank_columns


@dataclass(frozen=True, eq=False, kw_only=True)
class RankedRows:
    """Every stock-day of the universe of sessions [0, stop), encoded once and shared by all folds.

    Attributes:
        rows: Ranks and rank targets, one entry of ``bounds`` per session of the panel, empty ones included.
        stock: Index into the panel's codes, int64 [R].
    """

    rows: Rows
    stock: IndexR

    def sessions(self, picked: np.ndarray) -> tuple[Rows, IndexR]:
        """Return rows and stock indices of the picked sessions; rows that lie together are a view, not a copy."""
        bounds = self.rows.bounds
        if len(picked) == 0:
            return self.rows.take(picked), self.stock[:0]
        length = bounds[picked + 1] - bounds[picked]
        if bounds[picked[-1] + 1] - bounds[picked[0]] == length.sum():
            part = slice(bounds[picked[0]], bounds[picked[-1] + 1])
            own = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(length)])
            return Rows(x=self.rows.x[part], y=self.rows.y[part], bounds=own), self.stock[part]
        index = np.concatenate([np.arange(bounds[t], bounds[t + 1]) for t in picked])
        return self.rows.take(picked), self.stock[index]


def ranked_rows(panel: Panel, stop: int, progress: Progress) -> RankedRows:
    """Read sessions [0, stop) of the panel and rank each session's universe, feature by feature.

    Nothing is fitted: a session's ranks come from that session alone.
    """
    count = panel.universe[:stop].sum(axis=1)
    bounds = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(count, dtype=np.int64)])
    x = np.empty((int(bounds[-1]), len(panel.feature_names)), dtype=np.float32)
    y = np.empty((int(bounds[-1]), len(panel.targets)), dtype=np.float32)
    stock = np.empty(int(bounds[-1]), dtype=np.int64)
    progress.start("ranking features", stop, "sessions")
    for block in panel.blocks(0, stop):
        for day in range(len(block.sessions)):
            member = np.flatnonzero(block.universe[day])
            part = slice(bounds[block.first + day], bounds[block.first + day + 1])
            x[part] = rank_columns(block.features[day][member].astype(np.float32, copy=False))
            y[part] = block.target_ranks[day][member]
            stock[part] = block.stock[member]
            progress.advance()
    return RankedRows(rows=Rows(x=x, y=y, bounds=bounds), stock=stock)
