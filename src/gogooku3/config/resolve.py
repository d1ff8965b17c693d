"""Settings from defaults, a file, the environment and flags, each value with its origin."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from gogooku3.config.faults import wrong_value
from gogooku3.config.keys import leaves, section_of
from gogooku3.config.layers import Said, from_environment, from_file, from_flags
from gogooku3.config.origin import Origin

SettingsT = TypeVar("SettingsT", bound=BaseModel)

_DEFAULT = Origin("default")


@dataclass(frozen=True, kw_only=True)
class Resolved(Generic[SettingsT]):
    """Checked settings and where each value came from.

    Attributes:
        settings: The settings.
        origins: Dotted key to origin, every value of every section, in the order of the classes.
    """

    settings: SettingsT
    origins: dict[str, Origin]

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Return (key, value, origin) of every setting, the value as JSON, text as it stands."""
        tree = self._tree()
        return tuple((key, _shown(_at(tree, key)), str(origin)) for key, origin in self.origins.items())

    def to_json(self) -> str:
        """Return ``{"settings": nested values, "origins": {dotted key: origin}}`` for the run folder."""
        origins = {key: str(origin) for key, origin in self.origins.items()}
        return json.dumps({"settings": self._tree(), "origins": origins}, indent=2, ensure_ascii=False) + "\n"

    def _tree(self) -> dict[str, Any]:
        tree: dict[str, Any] = json.loads(
            to_json(self.settings.model_dump(exclude_computed_fields=True), inf_nan_mode="strings")
        )
        return tree


def resolve(
    model: type[SettingsT],
    *,
    remembered: Iterable[Said] = (),
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    short_names: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Resolved[SettingsT]:
    """Compose settings: defaults < what a run remembers < TOML file < environment < flags.

    Types are checked strictly: ``"31"`` in a file is no integer and ``true`` is no number. Text from the
    environment and from flags is read as JSON where the field is not text, so ``31``, ``true`` and ``[1, 5]``
    are what they look like.

    Args:
        model: A settings class whose fields are values or sections (further settings classes).
        remembered: What earlier steps of the same run were given, the weakest layer (``from_run``).
        file: TOML file, a table a section.
        environment: All variables of the process; only names beginning with ``GOGOOKU3_`` are looked at, such
            as ``GOGOOKU3_LIGHTGBM__LEAVES``, and the short names.
        short_names: Variables without the prefix that are read, too, and the dotted key of each.
        flags: Dotted keys, such as ``lightgbm.leaves``; only those that the user gave.

    Raises:
        SettingsError: A key is unknown, or a value is of a wrong type or out of range. The sentence names the
            key, its origin, what was found and what is expected.
    """
    tree = _base(model)
    origins = {key: _DEFAULT for key, _ in leaves(model)}
    said = chain(
        remembered,
        from_file(model, file) if file is not None else (),
        from_environment(model, environment or {}, short_names),
        from_flags(model, flags or {}),
    )
    for one in said:
        _put(tree, one.key, one.value)
        origins[one.key] = one.origin
    return Resolved(settings=_checked(model, tree, origins), origins=origins)


def _base(model: type[BaseModel]) -> dict[str, Any]:
    """Return what a section's default instance holds, which may differ from its class's own defaults."""
    tree: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is not None:
            given = field.get_default(call_default_factory=True)
            tree[name] = (
                given.model_dump(exclude_computed_fields=True)
                if isinstance(given, BaseModel)
                else _base(section)
            )
    return tree


def _put(tree: dict[str, Any], key: str, value: object) -> None:
    *sections, name = key.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[name] = value


def _at(tree: Mapping[str, Any], key: str) -> object:
    value: Any = tree
    for name in key.split("."):
        value = value[name]
    return value


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _checked(model: type[SettingsT], tree: dict[str, Any], origins: Mapping[str, Origin]) -> SettingsT:
    """Validate by JSON's strict rules: a list may be a tuple, but no text is a number."""
    try:
        return model.model_validate_json(to_json(tree, inf_nan_mode="constants", fallback=repr), strict=True)
    except ValidationError as error:
        raise wrong_value(model, error, origins) from error
