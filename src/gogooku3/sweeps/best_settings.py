"""The best point as settings of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gogooku3.config.effect import unread_by_models
from gogooku3.storage.atomic import write_text
from gogooku3.sweeps.open import OF_THE_SEARCH
from gogooku3.sweeps.point_settings import settings_of
from gogooku3.sweeps.space import Value
from gogooku3.sweeps.sweep import Sweep
from gogooku3.sweeps.trial import run_of

BEST_SETTINGS = "best_settings.toml"

_OF_EVERY_TRIAL = ("train.models", "deep.epochs")
_OF_THE_SEARCH = ("run.", "panel.")


def write_best_settings(sweep: Sweep, params: Mapping[str, Value]) -> Path:
    """Write what a point stands for and what the user has set beside it, as a file for ``--config`` of a run.

    Args:
        sweep: The search.
        params: The point.

    Raises:
        SettingsError: The model does not accept the point.
        StorageError: The file cannot be written.
    """
    tree = sweep.tree(params)
    said = [
        key
        for key, origin in sweep.base.resolved.origins.items()
        if origin.kind != "default" and origin != OF_THE_SEARCH and not key.startswith(_OF_THE_SEARCH)
    ]
    chosen = settings_of(params, learning_rate=1.0, horizons=[1])  # for the names alone
    unread = unread_by_models(run_of(tree).settings)
    lines: dict[str, list[str]] = {}
    for key in dict.fromkeys([*_OF_EVERY_TRIAL, *said, *chosen]):
        section, _, name = key.partition(".")
        value = tree[section][name]
        if value is not None and not {key, section} & unread:
            lines.setdefault(section, []).append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    text = "\n".join("\n".join([f"[{section}]", *values, ""]) for section, values in lines.items())
    path = sweep.folder / BEST_SETTINGS
    write_text(path, f"# The best point of the search, for --config of a run.\n\n{text}")
    return path
