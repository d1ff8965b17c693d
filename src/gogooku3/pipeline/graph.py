"""The graphs of a run's panel."""

from __future__ import annotations

from gogooku3.errors import PanelError
from gogooku3.graphs.graphs import Graphs
from gogooku3.graphs.store import stored_graphs
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.run_folder import Run


def graphs_of(run: Run, panel: Panel, stop: int) -> Graphs:
    """Return the graphs of sessions [0, stop), mapped from the run's folder, where they are kept.

    Raises:
        PanelError: No stock has a neighbour on any session, so that graph layers would read nothing.
    """
    graphs = stored_graphs(
        panel,
        run.settings.graph,
        run.path("graphs"),
        run.progress,
        stop=stop,
        code=code_digest(("graphs.build", "panel.open")),
    )
    if not (graphs.index >= 0).any():
        raise PanelError(
            "no stock has a neighbour on any session",
            where="graph.threshold, graph.window, graph.min_common",
            got=f"{len(graphs.sessions)} graphs without a link",
            remedy="lower graph.threshold, or leave the graph out: atft.gat_layers=0",
        )
    return graphs
