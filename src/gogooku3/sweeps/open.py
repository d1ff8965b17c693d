"""A search from what a user gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gogooku3.config.process import physical_cores
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.progress import Progress
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.shared import widest_graph
from gogooku3.sweeps.space import Space
from gogooku3.sweeps.sweep import Sweep

MODEL = "atft_gat_fan"


def open_sweep(
    *,
    panel: Path,
    folder: Path,
    settings: SweepSettings,
    space: Space,
    config: Path | None = None,
    flags: Mapping[str, object] | None = None,
    storage: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Compose a search.

    Args:
        panel: A panel.
        folder: Where all of the search is to lie.
        settings: How it goes.
        space: What may be chosen.
        config: TOML file of settings that trials have in common.
        flags: More of them, by dotted key.
        storage: URL of a database that many machines reach; SQLite in the folder if None.
        resume: Go on with a study that is there.
        progress: Told of long work.

    Raises:
        SettingsError: Settings do not fit together.
        PanelError: There is no panel.
    """
    own: dict[str, object] = {
        "run.name": folder.name,
        "run.folder": str(folder.parent),
        "panel.file": str(panel),
        "train.models": [MODEL],
        "train.refit": False,
        "deep.seeds": 1,
        "deep.epochs": settings.epochs,
        "deep.threads": max(1, physical_cores() // settings.workers),
        "splits.test_years": settings.folds,
    }
    run = open_run(config=config, flags={**own, **(flags or {})}, progress=progress, remembered=False)
    graph = widest_graph(run.settings.graph, space)
    widest = run.settings.model_copy(update={"graph": graph})
    base = Run(resolved=replace(run.resolved, settings=widest), progress=run.progress)
    return Sweep(folder=folder, settings=settings, space=space, base=base, storage=storage, resume=resume)
