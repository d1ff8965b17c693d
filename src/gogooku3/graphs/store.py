"""Graphs that are kept beside a panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gogooku3.graphs.build import graph_sessions, iterate_graphs
from gogooku3.graphs.graphs import EDGE_FEATURES, Graphs
from gogooku3.graphs.keys import GraphKey, graph_keys, sectors_of
from gogooku3.graphs.settings import GraphSettings
from gogooku3.graphs.stored import StoredGraphs
from gogooku3.panel.panel import Panel
from gogooku3.progress import Progress, Silent
from gogooku3.storage.hashing import digest_json
from gogooku3.storage.lock import exclusive

_SILENT = Silent()


def stored_graphs(
    panel: Panel,
    settings: GraphSettings,
    folder: Path,
    progress: Progress = _SILENT,
    *,
    stop: int | None = None,
    code: str = "",
) -> Graphs:
    """Return the graphs of sessions [0, stop), mapped from a folder; those that it lacks are built first.

    A graph of the folder is taken while the days of its window and the sectors are the same, so that added sessions
    cost only their own graphs, and a correction only those whose windows it touches.

    Args:
        panel: As for ``build_graphs``.
        settings: Which stocks are neighbours.
        folder: Beside the panel; each choice of settings has its own folder in it.
        progress: Told of every graph that is built.
        stop: Session after the last that reads a graph; all if not given.
        code: What stands for the code that builds graphs; other code builds anew.

    Raises:
        PanelError: As for ``build_graphs``.
        StorageError: A file is damaged or cannot be written, or another process is building.
    """
    work = _Work(panel, settings, graph_sessions(panel, settings, 0, stop))
    own = {"settings": settings.model_dump(mode="json"), "edges": EDGE_FEATURES, "code": code}
    home = folder / digest_json(own)[:16]
    found = work.take(StoredGraphs.read(home))
    if found is not None:
        return found
    with exclusive(home / ".lock", "graphs are being built"):
        before = StoredGraphs.read(home)
        StoredGraphs.write(
            home, work.keys, sectors_of(panel), settings.neighbours, work.graphs(before, progress)
        )
        found = work.take(StoredGraphs.read(home))
    assert found is not None, "what was written is what is wanted"
    return found


class _Work:
    """The graphs that are wanted, and what of a folder they can be taken from."""

    def __init__(self, panel: Panel, settings: GraphSettings, sessions: np.ndarray) -> None:
        self.panel, self.settings, self.sessions = panel, settings, sessions
        self.keys = graph_keys(panel, settings, sessions)

    def take(self, stored: StoredGraphs | None) -> Graphs | None:
        """Return the folder's graphs as they lie there, if they are the wanted ones."""
        if stored is None or list(stored.sectors.items()) != list(sectors_of(self.panel).items()):
            return None
        count = len(self.keys)
        if list(stored.keys[:count]) != self.keys:
            return None
        return Graphs(
            sessions=self.sessions,
            every=self.settings.every,
            index=stored.index[:count],
            edge=stored.edge[:count],
        )

    def graphs(
        self, stored: StoredGraphs | None, progress: Progress
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the wanted graphs in order, from the folder where it has them."""
        old = _Old.of(stored, self.panel)
        lacking = np.array([key not in old.place for key in self.keys])
        progress.start("building graphs", int(lacking.sum()), "graphs")
        fresh = iterate_graphs(self.panel, self.settings, self.sessions[lacking])
        for key, new in zip(self.keys, lacking.tolist(), strict=True):
            if new:
                yield next(fresh)
                progress.advance()
            else:
                yield old.graph(key)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Old:
    """Graphs on an older stock axis of a panel.

    Attributes:
        stored: They; None if there are none.
        place: Where each lies.
        axis: Place of each of their stocks on the panel's axis, -1 where it has no such stock, and -1 once more.
        stocks: Stocks of the panel's axis.
    """

    stored: StoredGraphs | None
    place: dict[GraphKey, int]
    axis: np.ndarray
    stocks: int

    @classmethod
    def of(cls, stored: StoredGraphs | None, panel: Panel) -> _Old:
        """Return those that still hold; none if a stock's sector is another."""
        now = sectors_of(panel)
        if stored is None or any(now.get(code, sector) != sector for code, sector in stored.sectors.items()):
            return cls(stored=None, place={}, axis=np.empty(0, dtype=np.int32), stocks=len(now))
        place = {code: n for n, code in enumerate(panel.codes)}
        axis = np.array([*(place.get(code, -1) for code in stored.sectors), -1], dtype=np.int32)
        keys = {key: n for n, key in enumerate(stored.keys)}
        return cls(stored=stored, place=keys, axis=axis, stocks=len(now))

    def graph(self, key: GraphKey) -> tuple[np.ndarray, np.ndarray]:
        """Return a graph on the panel's axis."""
        assert self.stored is not None
        at = self.place[key]
        old_index, old_edge = self.stored.index[at], self.stored.edge[at]
        index = np.full((self.stocks, old_index.shape[1]), -1, dtype=np.int32)
        edge = np.zeros((self.stocks, *old_edge.shape[1:]), dtype=np.float32)
        held = self.axis[:-1] >= 0
        index[self.axis[:-1][held]] = self.axis[old_index[held]]
        edge[self.axis[:-1][held]] = old_edge[held]
        return index, edge
