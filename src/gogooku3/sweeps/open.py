"""A search from what a user gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gogooku3.config.origin import Origin
from gogooku3.config.process import physical_cores
from gogooku3.config.resolve import Resolved, resolve
from gogooku3.config.settings import Settings
from gogooku3.errors import SettingsError
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.progress import Progress
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.shared import widest_graph
from gogooku3.sweeps.space import Space
from gogooku3.sweeps.space_left import space_left
from gogooku3.sweeps.sweep import Sweep

MODEL = "atft_gat_fan"

OF_THE_SEARCH = Origin("flag", "of the search")
_INSTEAD = {
    "run.name": "--out names the folder of the search",
    "run.folder": "--out names the folder of the search",
    "run.open_locked": "--best opens the locked sessions, once",
    "panel.file": "--panel names the panel",
    "train.refit": "--best refits the best point",
    "deep.seeds": "a trial has one; --seeds is the number of members with --best",
    "deep.epochs": "--epochs is the number of epochs",
    "splits.test_years": "--set sweep.folds=N is the number of test years",
}


def open_sweep(
    *,
    panel: Path,
    folder: Path,
    settings: SweepSettings,
    space: Space,
    usual: Space | None = None,
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
        usual: What else may be chosen unless it is set by ``config``, ``flags`` or the environment; nothing if None.
        config: TOML file of settings that trials have in common.
        flags: More of them, by dotted key.
        storage: URL of a database that many machines reach; SQLite in the folder if None.
        resume: Go on with a study that is there.
        progress: Told of long work.

    Raises:
        SettingsError: Settings do not fit together, or one is given that the search itself sets.
        PanelError: There is no panel.
    """
    own: dict[str, object] = {
        "run.name": folder.name,
        "run.folder": str(folder.parent),
        "run.open_locked": False,
        "panel.file": str(panel),
        "train.models": [MODEL],
        "train.refit": False,
        "deep.seeds": 1,
        "deep.epochs": settings.epochs,
        "splits.test_years": settings.folds,
    }
    given = dict(flags or {})
    _refuse_own(own, config, given)
    run = open_run(config=config, flags={**given, **own}, progress=progress, remembered=False)
    said = {key for key, origin in run.resolved.origins.items() if origin.kind != "default"}
    whole = space_left(usual or {}, space, run.resolved, said - (own.keys() - given.keys()))
    common: dict[str, Any] = {"graph": widest_graph(run.settings.graph, whole)}
    own_keys = set(own)
    if not run.settings.deep.threads:
        own_keys.add("deep.threads")
        threads = max(1, physical_cores() // settings.workers)
        common["deep"] = run.settings.deep.model_copy(update={"threads": threads})
    resolved = Resolved(
        settings=run.settings.model_copy(update=common),
        origins=run.resolved.origins | dict.fromkeys(own_keys - given.keys(), OF_THE_SEARCH),
    )
    base = Run(resolved=resolved, progress=run.progress)
    return Sweep(folder=folder, settings=settings, space=whole, base=base, storage=storage, resume=resume)


def _refuse_own(own: Mapping[str, object], config: Path | None, flags: Mapping[str, object]) -> None:
    """Refuse settings of a file or of flags that say something else than the search does.

    Raises:
        SettingsError: There is one.
    """
    given = resolve(Settings, file=config, flags=flags)
    tree: dict[str, Any] = json.loads(given.to_json())["settings"]
    for key, value in own.items():
        section, _, name = key.partition(".")
        if given.origins[key].kind != "default" and tree[section][name] != value:
            raise SettingsError(
                "the search itself sets this",
                where=f"{key} ({given.origins[key]})",
                got=tree[section][name],
                expected=value,
                remedy=f"leave it out{f': {_INSTEAD[key]}' if key in _INSTEAD else ''}",
            )
