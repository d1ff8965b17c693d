"""Fewer neighbours out of more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gogooku3.errors import PanelError
from gogooku3.graphs.graphs import Graphs


def narrowed(graphs: Graphs, *, neighbours: int, threshold: float) -> Graphs:
    """Return the graphs that would have been built with fewer neighbours and a higher threshold, in memory.

    Neighbours stand in the order of their correlation, so the first of them above the threshold are the ones.

    Args:
        graphs: Built with at least as many neighbours and at most that threshold.
        neighbours: k.
        threshold: Correlation that has to be exceeded.

    Raises:
        PanelError: More neighbours are asked for than there are.
    """
    if neighbours > graphs.index.shape[2]:
        raise PanelError(
            "a graph cannot be narrowed to more neighbours",
            got=neighbours,
            expected=f"at most {graphs.index.shape[2]}",
        )
    index, edge = graphs.index[..., :neighbours], graphs.edge[..., :neighbours, :]
    near = edge[..., 0] > np.float32(threshold)
    return replace(
        graphs, index=np.where(near, index, np.int32(-1)), edge=np.where(near[..., None], edge, np.float32(0))
    )
