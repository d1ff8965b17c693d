"""Who is linked to whom, as models are given it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from gogooku3.audit.witness import Sighting
from gogooku3.graphs.build import build_graphs
from gogooku3.graphs.graphs import EDGE_FEATURES, Graphs
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run

_SESSIONS = 125
_KEPT = 2  # the run on the true bars, and the rebuild at hand
_BYTES = 6  # of a code's number, which a float64 holds exactly


class GraphWitness:
    """The graph of every session up to t: neighbours by the number of their code, and the features of their edges.

    It is looked at whether a model of the run reads it or not.
    """

    name = "graph"
    needs_models = False

    def __init__(self) -> None:
        self._built: dict[str, Graphs] = {}

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield the graphs, some sessions at a time."""
        panel = panel_of(run)
        graphs = self._graphs(run, panel)
        number = np.array([*map(code_number, panel.codes), np.nan])
        columns = [f"{name} {slot}" for slot in range(graphs.index.shape[2]) for name in EDGE_FEATURES]
        for start in range(0, until + 1, _SESSIONS):
            low, high = np.searchsorted(graphs.sessions, (start, min(start + _SESSIONS, until + 1)))
            if low == high:
                continue
            index, days = graphs.index[low:high], panel.sessions[graphs.sessions[low:high]]
            edge = np.where(index[..., None] >= 0, graphs.edge[low:high], np.float32("nan"))
            label = f"from {days[0]}"
            yield Sighting(name=f"neighbours {label}", values=number[index], sessions=days, codes=panel.codes)
            yield Sighting(
                name=f"edges {label}",
                values=edge.reshape(*edge.shape[:2], -1),
                sessions=days,
                codes=panel.codes,
                columns=tuple(columns),
            )

    def _graphs(self, run: Run, panel: Panel) -> Graphs:
        """Build all graphs of a panel, once: the run that rebuilds are held against is asked for with each of them."""
        key = panel.content_hash
        graphs = self._built.pop(key, None) or build_graphs(panel, run.settings.graph)
        self._built[key] = graphs
        while len(self._built) > _KEPT:
            del self._built[next(iter(self._built))]
        return graphs


def code_number(code: str) -> float:
    """Return a number that stands for a code, whatever other codes there are."""
    return float(int.from_bytes(hashlib.sha256(code.encode()).digest()[:_BYTES]))
