"""Graphs of a panel's sessions, each from the sessions before it and its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gogooku3.axes import FloatN, FloatWN
from gogooku3.errors import PanelError
from gogooku3.graphs.correlation import correlation
from gogooku3.graphs.edges import lead, relative_turnover, same_sector
from gogooku3.graphs.graphs import EDGE_FEATURES, Graphs
from gogooku3.graphs.inputs import GraphInputs
from gogooku3.graphs.nearest import nearest
from gogooku3.graphs.residual import market_residual, sector_residual
from gogooku3.graphs.settings import GraphSettings, Measure
from gogooku3.panel.panel import Panel
from gogooku3.progress import Progress, Silent

_SILENT = Silent()
_AT_ONCE = 250  # sessions whose graphs are made from one reading of the panel


def build_graphs(
    panel: Panel,
    settings: GraphSettings,
    progress: Progress = _SILENT,
    *,
    start: int = 0,
    stop: int | None = None,
) -> Graphs:
    """Return the graphs that sessions [start, stop) read, in memory; later sessions are never read.

    A graph is built at every session of the panel whose index is a multiple of ``every``. It is the same, bit for
    bit, whichever sessions are asked for and whatever comes after it.

    Args:
        panel: With the market field ``link``; where it has no ``turnover``, no neighbour is larger or smaller.
        settings: Which stocks are neighbours.
        progress: Told of every graph.
        start: First session that reads a graph.
        stop: Session after the last; all if not given.

    Raises:
        PanelError: The range is empty or leaves the panel, or the panel keeps no returns.
    """
    sessions = graph_sessions(panel, settings, start, stop)
    shape = (len(sessions), len(panel.codes), settings.neighbours)
    index = np.empty(shape, dtype=np.int32)
    edge = np.empty((*shape, len(EDGE_FEATURES)), dtype=np.float32)
    progress.start("building graphs", len(sessions), "graphs")
    for place, graph in enumerate(iterate_graphs(panel, settings, sessions)):
        index[place], edge[place] = graph
        progress.advance()
    return Graphs(sessions=sessions, every=settings.every, index=index, edge=edge)


def graph_sessions(
    panel: Panel, settings: GraphSettings, start: int = 0, stop: int | None = None
) -> np.ndarray:
    """Return the sessions at which the graphs of sessions [start, stop) are built, int64 [G].

    Raises:
        PanelError: The range is empty or leaves the panel.
    """
    stop = len(panel.sessions) if stop is None else stop
    if not 0 <= start < stop <= len(panel.sessions):
        raise PanelError(
            "graphs of these sessions cannot be built",
            got=f"{start} to {stop}",
            expected=f"0 <= start < stop <= {len(panel.sessions)}",
        )
    return np.arange(start // settings.every * settings.every, stop, settings.every, dtype=np.int64)


def iterate_graphs(
    panel: Panel, settings: GraphSettings, sessions: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield neighbours int32 [N, k] and edge features float32 [N, k, E] as of each session.

    Args:
        panel: As for `build_graphs`.
        settings: Which stocks are neighbours.
        sessions: Increasing, int64 [G].
    """
    for low in range(0, len(sessions), _AT_ONCE):
        some = sessions[low : low + _AT_ONCE]
        for part in np.split(some, np.flatnonzero(np.diff(some) > settings.window) + 1):
            first = max(0, int(part[0]) - settings.window + 1)
            inputs = GraphInputs.read(panel, first, int(part[-1]) + 1)
            for session in part:
                yield graph_of(inputs, settings, int(session))


def graph_of(inputs: GraphInputs, settings: GraphSettings, session: int) -> tuple[np.ndarray, np.ndarray]:
    """Return neighbours int32 [N, k] and edge features float32 [N, k, E] as of a session.

    Nothing of a stock outside the session's universe is read, so that the bits of a graph do not depend on it.
    """
    now = session - inputs.first
    member = np.flatnonzero(inputs.universe[now])
    index = np.full((len(inputs.sector), settings.neighbours), -1, dtype=np.int32)
    edge = np.zeros((*index.shape, len(EDGE_FEATURES)), dtype=np.float32)
    window = slice(max(0, now - settings.window + 1), now + 1)
    returns = np.ascontiguousarray(inputs.returns[window][:, member])
    if len(member) < 2 or len(returns) < settings.min_common:
        return index, edge
    compared = _compared(returns, inputs.sector[member], settings.by)
    near, value = nearest(correlation(compared, settings.min_common), settings.neighbours, settings.threshold)
    features = np.stack(
        [
            value,
            same_sector(inputs.sector[member], near),
            relative_turnover(_mean(inputs.turnover[window][:, member]), near),
            lead(compared, near),
        ],
        axis=-1,
    )
    index[member] = np.where(near >= 0, member[near], -1)
    edge[member] = np.where((near >= 0)[..., None], features, np.float32(0))
    return index, edge


def _compared(returns: FloatWN, sector: np.ndarray, by: Measure) -> FloatWN:
    if by == "return":
        return returns
    return market_residual(returns) if by == "residual" else sector_residual(returns, sector)


def _mean(x: FloatWN) -> FloatN:
    """Return the mean of each column's values, NaN where it has none."""
    seen = np.isfinite(x)
    count = seen.sum(axis=0)
    total = np.where(seen, x, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
