"""Deep models of a run: what they read, what they learn, and their folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gogooku3.config.process import TorchProcess, prepare_torch
from gogooku3.models.names import DeepName, ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.encode import encoded
from gogooku3.pipeline.lineage import code_digest, versions
from gogooku3.pipeline.run_folder import Run
from gogooku3.scoring.encode import Encoding
from gogooku3.splits.fold import Fold

if TYPE_CHECKING:
    from gogooku3.graphs.graphs import Graphs
    from gogooku3.scoring.day_source import DaySource
    from gogooku3.training.deep_fit import DeepFit
    from gogooku3.training.deep_trainer import DeepTrainer
    from gogooku3.training.fit import FoldScores
    from gogooku3.training.listener import Listener

_CODE = ("training.deep_fit", "scoring.encode", "scoring.build_model", "graphs.build", "pipeline.deep_labels")
_SETTINGS = ("deep", "loss", "optimizer", "scheduler")
_UNSEEN = {"tensorboard", "prefetch", "checkpoint_every"}  # of deep: they change no result


def deep_inputs(run: Run, model: DeepName) -> dict[str, Any]:
    """Return the settings, code and libraries that a deep model's weights depend on."""
    settings = run.settings
    own: dict[str, Any] = {name: getattr(settings, name).model_dump(mode="json") for name in _SETTINGS}
    own["deep"] = {key: value for key, value in own["deep"].items() if key not in _UNSEEN}
    own[_section(model)] = getattr(settings, _section(model)).model_dump(mode="json")
    own["frequency"] = settings.frequency.model_dump(mode="json")
    if needs_graph(run, model):
        own["graph"] = settings.graph.model_dump(mode="json")
    return own


def deep_code() -> str:
    """Return a digest of the code that trains deep models."""
    return code_digest(_CODE) + repr(sorted(versions("torch", "pytorch-optimizer").items()))


def needs_graph(run: Run, model: ModelName) -> bool:
    """Tell whether a model reads the graph."""
    return model == "atft_gat_fan" and run.settings.atft.gat_layers > 0


def describe(run: Run, panel: Panel, model: DeepName) -> dict[str, Any]:
    """Return what a model of this run is built from (``scoring.build_model``), and how its inputs are made."""
    settings = run.settings
    loss = settings.loss
    return {
        "kind": model,
        "settings": getattr(settings, _section(model)).model_dump(mode="json"),
        "features": list(panel.feature_names),
        "columns": list(encoding_of(run, panel).names),
        "targets": [str(target) for target in panel.targets],
        "edges": list(_edges()) if needs_graph(run, model) else [],
        "quantiles": list(loss.quantiles) if loss.base == "pinball" else [],
        "frequency": settings.frequency.model_dump(mode="json"),
        "graph": settings.graph.model_dump(mode="json") if needs_graph(run, model) else None,
    }


def encoding_of(run: Run, panel: Panel) -> Encoding:
    """Return the columns that the run's deep models read."""
    return Encoding(features=panel.feature_names, frequency=run.settings.frequency)


@dataclass(frozen=True, eq=False, kw_only=True)
class Material:
    """What deep models learn from, on the panel's axes.

    Attributes:
        source: What they read.
        labels: What they predict, float32 [sessions, N, T].
    """

    source: DaySource
    labels: np.ndarray


class DeepWork:
    """Trains a run's deep models fold by fold; what folds share is made once, when it is first asked for.

    Args:
        run: The run.
        panel: Its panel.
        stop: Session after the last that is read.
        listener: Told of steps and epochs; the run's progress and its ``training.jsonl`` if None.
    """

    def __init__(self, run: Run, panel: Panel, stop: int, listener: Listener | None = None) -> None:
        self.run, self.panel, self.stop, self.listener = run, panel, stop, listener

    def inputs(self) -> Mapping[str, Any]:
        """Return what results depend on beside the run's settings and panel: nothing here."""
        return {}

    def fit(self, model: DeepName, fold: Fold, key: str, material: Material | None = None) -> FoldScores:
        """Train a model's members on a fold and score its test sessions.

        Args:
            model: The model.
            fold: Sessions of the panel.
            key: Digest of everything that the result depends on.
            material: What to learn from; the run's own if None.
        """
        return self._fit(model, material or self.material(model)).fit(model, fold, key)

    def material(self, model: DeepName) -> Material:
        """Return what a model learns from."""
        return Material(source=self.source(model), labels=self._labels)

    def source(self, model: ModelName) -> DaySource:
        """Return all sessions as a model reads them."""
        prepare_torch(self.run.settings.deep.threads)
        from gogooku3.scoring.day_source import DaySource

        return DaySource(
            first=0,
            x=self._encoded,
            present=self.panel.present,
            universe=self.panel.universe,
            graphs=self._graphs if needs_graph(self.run, model) else None,
        )

    def _fit(self, model: DeepName, material: Material) -> DeepFit:
        process = prepare_torch(self.run.settings.deep.threads)
        from gogooku3.scoring.build_model import build_model
        from gogooku3.training.deep_fit import DeepFit

        described = describe(self.run, self.panel, model)
        return DeepFit(
            trainer=self._trainer(material, process),
            make_model=lambda: build_model(described),
            described=described,
            seed=self.run.settings.train.seed,
            refit=self.run.settings.train.refit,
            folder=self.run.path("checkpoints"),
        )

    def _trainer(self, material: Material, process: TorchProcess) -> DeepTrainer:
        from gogooku3.pipeline.watch_training import WatchTraining
        from gogooku3.training.course import Recipe
        from gogooku3.training.deep_trainer import DeepTrainer
        from gogooku3.training.training_data import TrainingData

        settings = self.run.settings
        lag = max(target.lag for target in self.panel.targets)
        data = TrainingData(
            source=material.source,
            labels=material.labels,
            days=self.panel.sessions,
            targets=self.panel.targets,
            watch=np.array([target.lag == lag for target in self.panel.targets]),
        )
        recipe = Recipe(
            deep=settings.deep,
            loss=settings.loss,
            optimizer=settings.optimizer,
            scheduler=settings.scheduler,
        )
        listener = self.listener or WatchTraining(self.run, self.panel.targets, process)
        return DeepTrainer(data, recipe, listener)

    @cached_property
    def _encoded(self) -> np.ndarray:
        return encoded(self.run, self.panel, encoding_of(self.run, self.panel), self.stop)

    @cached_property
    def _labels(self) -> np.ndarray:
        from gogooku3.pipeline.deep_labels import deep_labels

        return deep_labels(self.panel, self.run.settings.loss, self.stop)

    @cached_property
    def _graphs(self) -> Graphs:
        from gogooku3.pipeline.graph import graphs_of

        return graphs_of(self.run, self.panel, self.stop)


def _section(model: DeepName) -> str:
    return "atft" if model == "atft_gat_fan" else model


def _edges() -> tuple[str, ...]:
    from gogooku3.graphs.graphs import EDGE_FEATURES

    return EDGE_FEATURES
