"""The models of a run's last fold, or of another one, packed into one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gogooku3.bundle.bundle import Bundle
from gogooku3.bundle.member import Member
from gogooku3.bundle.pack import pack
from gogooku3.errors import SettingsError
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.bundle_about import about_run
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.train import folds_of
from gogooku3.pipeline.trained import trained
from gogooku3.splits.fold import Fold


def bundle(
    run: Run, *, models: Sequence[str] = (), fold: str | None = None, out: Path | None = None
) -> Bundle:
    """Pack models of a run with all they need to score, what they were made from, and a model card.

    Args:
        run: A trained run.
        models: Names of models; all of the run if none is given. What a blend is of comes with it.
        fold: Name of the fold; the last one if not given.
        out: The file; ``bundles/<run>-<fold>.zip`` in the run's folder if not given.

    Raises:
        SettingsError: A model or the fold is not of this run.
        StorageError: A fold was not trained, or a file is not the one that was trained.
    """
    panel = panel_of(run)
    chosen, names = _fold(run, panel, fold), _models(run, models)
    found = {name: trained(run, panel, name, chosen) for name in names}
    run.progress.start(f"packing {', '.join(names)} of fold {chosen.name}", len(names), "models")
    members = []
    for name, one in found.items():
        members += [Member.read(name, path) for path in one.paths]
        run.progress.advance()
    records = {name: one.record for name, one in found.items()}
    path = out or run.path(f"bundles/{run.settings.run.name}-{chosen.name}.zip")
    return pack(path, about_run(run, panel, chosen, records), members)


def _fold(run: Run, panel: Panel, name: str | None) -> Fold:
    folds = folds_of(run, panel)
    for fold in folds:
        if fold.name == (name or folds[-1].name):
            return fold
    raise SettingsError(
        "a fold is not of this run", got=name, expected=", ".join(fold.name for fold in folds)
    )


def _models(run: Run, names: Sequence[str]) -> tuple[ModelName, ...]:
    """Return the models asked for and those they are made of, in the order of the run."""
    known = run.settings.train.models
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingsError("a model is not of this run", got=", ".join(unknown), expected=", ".join(known))
    wanted = {*(names or known)}
    if "blend" in wanted:
        wanted |= {*run.settings.blend.of}
    return tuple(name for name in known if name in wanted)
