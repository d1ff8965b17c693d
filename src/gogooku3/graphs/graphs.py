"""Graphs of a panel's sessions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, Int64

from gogooku3.errors import PanelError

EDGE_FEATURES = ("correlation", "same_sector", "relative_turnover", "lead")
"""Features of a link from a stock to its neighbour: their correlation; 1 where both are of one known sector; log of
the neighbour's mean value traded over that of the stock; correlation of the stock's return with the neighbour's return
of the five sessions before. All are 0 where there is no neighbour."""

IndexGNK = Int32[np.ndarray, "G N k"]
EdgeGNKE = Float32[np.ndarray, "G N k E"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Graphs:
    """G graphs on the panel's stock axis, each made of data up to and including the session it was built at.

    Attributes:
        sessions: Index of the session at which each was built, increasing, ``every`` apart, int64 [G].
        every: Sessions that a graph serves, the one it was built at included.
        index: Neighbours of each stock, the most correlated first, as indices into the panel's codes; -1 where there
            is none, int32 [G, N, k]. A stock outside the universe of the session has no neighbours and is nobody's.
        edge: ``EDGE_FEATURES`` of each link, float32 [G, N, k, E].
    """

    sessions: Int64[np.ndarray, " G"]
    every: int
    index: IndexGNK
    edge: EdgeGNKE

    def of(self, session: int) -> int:
        """Return the place of the graph that a session reads: the latest that was built at or before it.

        Raises:
            PanelError: There is none, or the latest is not of the last ``every`` sessions.
        """
        graph = int(np.searchsorted(self.sessions, session, side="right")) - 1
        if graph < 0 or session - self.sessions[graph] >= self.every:
            last = int(self.sessions[-1]) + self.every - 1 if len(self.sessions) else -1
            raise PanelError(
                "there is no graph for a session",
                got=session,
                expected=f"{self.sessions[0]} to {last}" if len(self.sessions) else "no session at all",
                remedy="build the graphs of the sessions that are asked for",
            )
        return graph

    def neighbours(self, session: int) -> Int32[np.ndarray, "N k"]:
        """Return the neighbours that a session reads, int32 [N, k], -1 for none.

        Raises:
            PanelError: As for ``of``.
        """
        nearest: np.ndarray = self.index[self.of(session)]
        return nearest
