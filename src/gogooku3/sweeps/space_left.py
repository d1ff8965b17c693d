"""What is left to choose once the user has set some of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from gogooku3.config.effect import unread_by_models
from gogooku3.config.resolve import Resolved
from gogooku3.config.settings import Settings
from gogooku3.errors import SettingsError
from gogooku3.sweeps.space import ETA_RATIO, Choice, Space, Value

_STANDS_FOR = {ETA_RATIO: "scheduler.eta_min"}


def space_left(usual: Space, named: Space, base: Resolved[Settings], said: Collection[str]) -> Space:
    """Return the space of a search.

    Of the usual entries, one whose setting the user has set keeps that value alone, and one that nothing would then
    read is left out.

    Args:
        usual: What is searched if the user says nothing of it.
        named: What the user wants searched.
        base: What trials have in common.
        said: Settings that the user has set, by dotted key.

    Raises:
        SettingsError: A setting is both searched and set by the user.
    """
    unread = unread_by_models(base.settings)
    tree = base.settings.model_dump(mode="json", exclude_computed_fields=True)
    left = {}
    for name, what in {**usual, **named}.items():
        key = _STANDS_FOR.get(name, name)
        if name in named:
            if key in said:
                raise _both(name, key, base)
            left[name] = what
        elif {key, key.partition(".")[0]} & unread:
            continue
        elif key not in said:
            left[name] = what
        elif key == name:
            left[name] = Choice(values=(_value(tree, key),))
    return left


def _value(tree: Mapping[str, Any], key: str) -> Value:
    section, _, name = key.partition(".")
    value: Value | list[Any] = tree[section][name]
    return json.dumps(value) if isinstance(value, list) else value


def _both(name: str, key: str, base: Resolved[Settings]) -> SettingsError:
    return SettingsError(
        "a setting is to be searched and is set as well",
        where=f"{name} of the space, {key} ({base.origins[key]})",
        expected="one of the two",
        remedy="take the entry out of the space's file, or do not set it",
    )
