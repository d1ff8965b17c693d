"""The settings of a process: the only place that reads its environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from gogooku3.config.resolve import Resolved, resolve
from gogooku3.config.settings import Settings
from gogooku3.errors import SettingsError
from gogooku3.storage.paths import inside


def load_settings(
    file: Path | None, flags: Mapping[str, object], *, remember: bool = False
) -> Resolved[Settings]:
    """Resolve file < environment < flags, and refuse settings that nothing would read.

    Args:
        file: TOML file.
        flags: Dotted keys.
        remember: Let what earlier steps of the same run were given hold, unless it is said otherwise.

    Raises:
        SettingsError: A setting is unknown, malformed, or belongs to a source of bars that is not used.
        StorageError: The run's name leaves the folder of runs.
    """
    resolved = resolve(Settings, file=file, environment=os.environ, flags=flags)
    if remember:
        path = inside(resolved.settings.run.folder, resolved.settings.run.name) / "settings.json"
        known = _remembered(path)
        resolved = resolve(Settings, remembered=known, file=file, environment=os.environ, flags=flags)
    _refuse_unread(resolved)
    return resolved


def _remembered(path: Path) -> dict[str, object]:
    """Return the keys that a run's settings file says were given, with their values."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    given = {}
    for key, origin in saved["origins"].items():
        if origin != "default":
            value = saved["settings"]
            for part in key.split("."):
                value = value[part]
            given[key] = value
    return given


def _refuse_unread(resolved: Resolved[Settings]) -> None:
    settings = resolved.settings
    given = [
        name
        for name, used in (
            ("run.simulated", settings.run.simulated),
            ("source.bars", settings.source.bars is not None),
            ("panel.file", settings.panel.file is not None),
        )
        if used
    ]
    if len(given) > 1:
        raise SettingsError(
            "there is more than one source of bars",
            got=", ".join(given),
            expected="one of source.bars (--bars), run.simulated (--simulated) and panel.file (--panel)",
        )
    unread = set()
    if "run.simulated" not in given:
        unread.add("simulation")
    if "source.bars" not in given:
        unread.add("source")
    if "panel.file" in given:
        unread |= {"market", "universe", "labels"}
    for key, origin in resolved.origins.items():
        if key.split(".")[0] in unread and origin.kind != "default":
            raise SettingsError(
                "a setting would have no effect",
                where=f"{key} ({origin})",
                got=f"bars from {given[0]}" if given else "no source of bars",
                remedy="remove the setting, or choose the source of bars that reads it",
            )
