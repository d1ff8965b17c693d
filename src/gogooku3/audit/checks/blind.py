"""What a model really depends on: hide what a fold must not know, fit again, and expect the same model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from gogooku3.audit.base import Base
from gogooku3.audit.compare import compare
from gogooku3.audit.part import Part
from gogooku3.audit.violation import Violation
from gogooku3.audit.witness import Sighting
from gogooku3.audit.witnesses.models import contents
from gogooku3.errors import Gogooku3Error
from gogooku3.graphs.graphs import Graphs
from gogooku3.models.baselines.rows import Rows
from gogooku3.models.names import DeepName, ModelName, deep_of, of_rows
from gogooku3.pipeline.deep import Material
from gogooku3.pipeline.train import model_files
from gogooku3.scoring.day_source import DaySource
from gogooku3.splits.fold import Fold
from gogooku3.training.fit import FoldFitter, FoldScores
from gogooku3.training.ranked_rows import RankedRows

_SHARE = 0.9  # of stocks in the noise of a universe


def check_blind(base: Base, fold: Fold) -> Part:
    """Fit a fold's models on rows whose hidden part is noise, and compare them with the fold's own models.

    Hidden are inputs and labels of all test sessions, what follows them being left out, and of the sessions before
    whose label span, at the longest trained horizon and lag, touches the first test session. So every row that the
    models really learn from, stop on or normalise by is held against every test span, whatever the fold says of itself.
    """
    run, settings = base.whole, base.run.settings
    hidden = _hidden(base.rows, fold, base.audit.seed)
    fitter = FoldFitter(
        hidden,
        base.folds[0].train,
        ridge=settings.ridge,
        lightgbm=settings.lightgbm,
        settings=settings.train,
    )
    found: list[Violation] = []
    digests = {}
    fits: dict[ModelName, Callable[[], FoldScores]] = {
        model: partial(fitter.fit, model, fold) for model in of_rows(settings.train.models)
    }
    for deep in deep_of(settings.train.models):
        fits[deep] = partial(_fit_deep, base, deep, fold)
    for model, fit in fits.items():
        names = model_files(run, model, fold.name)
        before = [s for name in names for s in contents(run.path(name), fold.name)]
        try:
            after = _fitted(fit(), fold, names)
        except Gogooku3Error as error:
            found.append(Violation(stage="blind", name=f"{model} {fold.name}", detail=error.what))
            continue
        result = compare("blind", before, after, {fold.name})
        digests[model] = result.digest
        if result.violation is not None:
            found.append(result.violation)
    name = f"blind fold {fold.name}"
    facts = {
        "hidden_from": str(base.panel.sessions[max(0, int(fold.test[0]) - fold.reach)]),
        "models": digests,
    }
    return Part(name=name, facts=facts, violations=tuple(replace(one, cause=name) for one in found))


def _hidden(data: RankedRows, fold: Fold, seed: int) -> RankedRows:
    """Return the rows up to the fold's last test session, noise from the first one on that a label span touches."""
    rng = np.random.default_rng([seed, 2, int(fold.test[0])])
    bounds = data.rows.bounds[: int(fold.test[-1]) + 2]
    start, stop = int(bounds[max(0, int(fold.test[0]) - fold.reach)]), int(bounds[-1])
    x, y = data.rows.x[:stop].copy(), data.rows.y[:stop].copy()
    x[start:] = rng.uniform(-0.5, 0.5, x[start:].shape)
    y[start:] = rng.uniform(-0.5, 0.5, y[start:].shape)
    return RankedRows(rows=Rows(x=x, y=y, bounds=bounds), stock=data.stock[:stop])


def _fit_deep(base: Base, model: DeepName, fold: Fold) -> FoldScores:
    """Train a deep model where inputs, labels, universe and graphs are noise from the same session on."""
    rng = np.random.default_rng([base.audit.seed, 2, int(fold.test[0])])
    known = base.deep.material(model)
    start, source = max(0, int(fold.test[0]) - fold.reach), known.source
    x, labels = np.array(source.x), known.labels.copy()
    present, universe = source.present.copy(), source.universe.copy()
    x[start - source.first :] = rng.uniform(-0.5, 0.5, x[start - source.first :].shape)
    labels[start:] = rng.uniform(-0.5, 0.5, labels[start:].shape)
    universe[start:] = rng.random(universe[start:].shape) < _SHARE
    present[start:] = universe[start:]
    hidden = replace(
        source, x=x, present=present, universe=universe, graphs=_hidden_graphs(source, start, rng)
    )
    return base.deep.fit(model, fold, "blind", Material(source=hidden, labels=labels))


def _hidden_graphs(source: DaySource, start: int, rng: np.random.Generator) -> Graphs | None:
    graphs = source.graphs
    if graphs is None:
        return None
    first = int(np.searchsorted(graphs.sessions, start))
    index, edge = graphs.index.copy(), graphs.edge.copy()
    index[first:] = rng.integers(-1, index.shape[1], index[first:].shape)
    edge[first:] = rng.uniform(-1, 1, edge[first:].shape)
    return replace(graphs, index=index, edge=edge)


def _fitted(found: FoldScores, fold: Fold, names: list[str]) -> list[Sighting]:
    shown: list[Sighting] = []
    with tempfile.TemporaryDirectory() as folder:
        for member, name in zip(found.members, names, strict=True):
            path = Path(folder) / Path(name).name
            member.save(path)
            shown += contents(path, fold.name)
    return shown
