"""What all trials of a search read: the panel's ranks and its graphs, made once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from gogooku3.graphs.narrow import narrowed
from gogooku3.graphs.settings import GraphSettings
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.deep import DeepWork, encoding_of, needs_graph
from gogooku3.pipeline.encode import encoded
from gogooku3.pipeline.graph import graphs_of
from gogooku3.pipeline.run_folder import Run
from gogooku3.sweeps.space import Space

if TYPE_CHECKING:
    from gogooku3.graphs.graphs import Graphs
    from gogooku3.scoring.day_source import DaySource
    from gogooku3.training.listener import Listener


def widest_graph(settings: GraphSettings, space: Space) -> GraphSettings:
    """Return the settings of the graph that holds those of all points of a space."""

    def levels(name: str, usual: float) -> list[float]:
        return [float(value) for value in space[name].levels()] if name in space else [usual]

    return settings.model_copy(
        update={
            "neighbours": int(max(levels("graph.neighbours", settings.neighbours))),
            "threshold": min(levels("graph.threshold", settings.threshold)),
        }
    )


def prepare(base: Run, panel: Panel, stop: int) -> None:
    """Make what all trials read, in the folder of the search.

    Args:
        base: The search as a run, its graph the widest.
        panel: The panel.
        stop: Session after the last that any trial reads.
    """
    encoded(base, panel, encoding_of(base, panel), stop)
    if needs_graph(base, "atft_gat_fan"):
        graphs_of(base, panel, stop)


class SharedWork(DeepWork):
    """Trains a trial's model on what all trials read.

    Args:
        base: The search as a run, whose folder holds the ranks and the widest graphs.
        run: The trial.
        panel: The panel.
        stop: Session after the last that is read.
        listener: Told of steps and epochs.
    """

    def __init__(self, base: Run, run: Run, panel: Panel, stop: int, listener: Listener) -> None:
        super().__init__(run, panel, stop, listener)
        self.base = base

    def source(self, model: ModelName) -> DaySource:
        """Return all sessions as the trial's model reads them."""
        from dataclasses import replace

        return replace(
            self._base_work.source(model), graphs=self._narrow if needs_graph(self.run, model) else None
        )

    @cached_property
    def _base_work(self) -> DeepWork:
        return DeepWork(self.base, self.panel, self.stop)

    @cached_property
    def _narrow(self) -> Graphs:
        graph = self.run.settings.graph
        return narrowed(
            graphs_of(self.base, self.panel, self.stop),
            neighbours=graph.neighbours,
            threshold=graph.threshold,
        )
