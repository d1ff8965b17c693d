"""The settings of a process: the only place that reads its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from gogooku3.config.effect import unread_by_models
from gogooku3.config.layers import Said, from_run
from gogooku3.config.origin import Origin
from gogooku3.config.resolve import Resolved, resolve
from gogooku3.config.settings import Settings
from gogooku3.config.short_names import short_names_read
from gogooku3.errors import SettingsError
from gogooku3.models.names import DEEP
from gogooku3.panel.settings import PanelSettings
from gogooku3.storage.paths import inside

_NEVER_REMEMBERED = {"run.open_locked"}
"""What has to be said each time: looking at locked years must not follow from an earlier command."""

_READ_BY = {
    "run.simulated": {"simulation", "market", "universe", "labels"},
    "source.bars": {"source", "market", "universe", "labels"},
    "panel.file": set[str](),
}
"""The sections that each source of bars reads."""


def load_settings(
    file: Path | None, flags: Mapping[str, object], *, remember: bool = False
) -> Resolved[Settings]:
    """Resolve file < environment < flags, and refuse settings that nothing would read.

    Of the environment, names with our prefix are read, and within `short_names` the short ones, too.

    Args:
        file: TOML file.
        flags: Dotted keys.
        remember: Let what earlier steps of the same run were given hold, unless it is said otherwise.

    Raises:
        SettingsError: A setting is unknown or malformed, belongs to what is not used, or contradicts another.
        StorageError: The run's name leaves the folder of runs.
    """
    layers = partial(
        resolve, Settings, file=file, environment=os.environ, short_names=short_names_read(), flags=flags
    )
    resolved = layers()
    if remember:
        path = inside(resolved.settings.run.folder, resolved.settings.run.name) / "settings.json"
        said = [one for one in from_run(Settings, path) if one.key not in _NEVER_REMEMBERED]
        kept = _without_replaced(said, resolved.settings)
        both = layers(remembered=kept).settings
        kept = [one for one in kept if not {one.key, one.key.split(".")[0]} & _without_effect(both)]
        resolved = layers(remembered=kept)
    _refuse_unread(resolved)
    _refuse_high_floor(resolved.settings)
    _refuse_other_weights(resolved.settings)
    return resolved


def _without_replaced(remembered: Sequence[Said], said: Settings) -> Sequence[Said]:
    """Forget the run's earlier source of bars, and what only that one reads, if another is named now."""
    now = _sources(said)
    if not now:
        return remembered
    dead = {source for source in _READ_BY if source not in now} | _unread(now)
    return [one for one in remembered if one.key not in dead and one.key.split(".")[0] not in dead]


def _sources(settings: Settings) -> list[str]:
    """Return the keys that name a source of bars."""
    used = {
        "run.simulated": settings.run.simulated,
        "source.bars": settings.source.bars is not None,
        "panel.file": settings.panel.file is not None,
    }
    return [key for key, is_used in used.items() if is_used]


def _unread(given: Sequence[str]) -> set[str]:
    """Return the sections that no source of bars in ``given`` reads."""
    return set().union(*_READ_BY.values()) - set().union(*(_READ_BY[source] for source in given))


def _without_effect(settings: Settings) -> set[str]:
    """Return sections and keys that nothing reads, given the source of bars and the models."""
    given = _sources(settings)
    unread = _unread(given) if given else {"simulation", "source"}
    unread |= unread_by_models(settings)
    if "panel.file" in given:
        unread |= {f"panel.{name}" for name in PanelSettings.model_fields if name != "file"}
    return unread


def _refuse_unread(resolved: Resolved[Settings]) -> None:
    given = _sources(resolved.settings)
    if len(given) > 1:
        raise SettingsError(
            "there is more than one source of bars",
            got=", ".join(given),
            expected="one of source.bars (--bars), run.simulated (--simulated) and panel.file (--panel)",
        )
    unread = _without_effect(resolved.settings)
    for key, origin in resolved.origins.items():
        if {key, key.split(".")[0]} & unread and origin.kind != "default":
            raise _no_effect(key, origin, resolved.settings, given)


def _no_effect(key: str, origin: Origin, settings: Settings, given: Sequence[str]) -> SettingsError:
    name = key.partition(".")[0]
    section = getattr(settings, name)
    if key.removeprefix(f"{name}.") in getattr(section, "unread", ()):
        got, reader = f"{name}.type {section.type}", f"a {name}.type"
    else:
        models = ", ".join(settings.train.models)
        got = f"bars from {given[0] if given else 'nowhere'}, models {models}"
        reader = "the source of bars or the model"
    return SettingsError(
        "a setting would have no effect",
        where=f"{key} ({origin})",
        got=got,
        remedy=f"remove the setting, or choose {reader} that reads it",
    )


def _refuse_other_weights(settings: Settings) -> None:
    """The targets of a ready panel are its own, and are known when it is opened."""
    weights, targets = settings.loss.horizon_weights, settings.labels.targets
    read = bool(set(settings.train.models) & set(DEEP)) and settings.panel.file is None
    if read and weights and len(weights) != len(targets):
        raise SettingsError(
            "horizon weights do not fit the targets",
            where="loss.horizon_weights",
            got=f"{len(weights)} weights",
            expected=f"one for each of {', '.join(map(str, targets))}",
        )


def _refuse_high_floor(settings: Settings) -> None:
    if set(settings.train.models) & set(DEEP):
        settings.scheduler.refuse_high_floor(settings.optimizer.learning_rate)
