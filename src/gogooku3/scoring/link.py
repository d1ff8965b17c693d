"""The graph of some sessions, on the stock axis of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gogooku3.models.layers.neighbours import Neighbours

_SCALE = np.array([20.0, 3.0, 0.5, 15.0], dtype=np.float32)
"""Of correlation, same sector, relative turnover and lead: among a stock's neighbours each then varies by about one."""

if TYPE_CHECKING:
    from gogooku3.graphs.graphs import Graphs


def link(graphs: Graphs, start: int, stop: int, stocks: np.ndarray) -> Neighbours:
    """Return who is linked to whom on sessions [start, stop) among some stocks.

    Each session reads the latest graph as of it. A neighbour that is not among ``stocks`` is left out.

    Args:
        graphs: On the panel's stock axis.
        start: First session.
        stop: Session after the last.
        stocks: Indices on the panel's stock axis, int64 [N].
    """
    import torch

    of_day = np.array([graphs.of(session) for session in range(start, stop)], dtype=np.int64)
    used = np.arange(of_day[0], of_day[-1] + 1)
    place = np.full(graphs.index.shape[1] + 1, -1, dtype=np.int32)  # the last one stands for no neighbour
    place[stocks] = np.arange(len(stocks), dtype=np.int32)
    index = place[graphs.index[used[0] : used[-1] + 1, stocks]]
    valid = index >= 0
    edge = np.where(valid[..., None], graphs.edge[used[0] : used[-1] + 1, stocks] * _SCALE, np.float32(0))
    return Neighbours(
        index=torch.from_numpy(np.where(valid, index, 0)),
        valid=torch.from_numpy(valid),
        edge=torch.from_numpy(edge),
        graph_of_day=torch.from_numpy(of_day - of_day[0]),
    )
