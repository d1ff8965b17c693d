"""What each layer says: a file, the environment, the flags."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gogooku3.config.faults import unknown_key
from gogooku3.config.keys import PREFIX, leaves, takes_null, takes_text, variable
from gogooku3.config.origin import Origin
from gogooku3.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Said:
    """One value, before it is checked, and who said it."""

    key: str
    value: object
    origin: Origin


def from_run(model: type[BaseModel], file: Path) -> Iterator[Said]:
    """Yield the values that earlier steps of the same run were given, with the origins they had then.

    Args:
        model: A settings class.
        file: The run's ``settings.json``; where it is absent there were no earlier steps.

    Raises:
        SettingsError: The file is damaged, or has a key that is no longer known.
    """
    fields = dict(leaves(model))
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
        given = {key: Origin.parse(origin) for key, origin in saved["origins"].items() if origin != "default"}
        values = {key: _at(saved["settings"], key) for key in given}
    except FileNotFoundError:
        return
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise SettingsError(
            "the settings that a run remembers cannot be read",
            where=file,
            got=error,
            remedy="remove the file, and give the run's settings again",
        ) from error
    for key, origin in given.items():
        if key not in fields:
            raise unknown_key(key, Origin("file", str(file)), fields)
        yield Said(key=key, value=values[key], origin=origin)


def from_file(model: type[BaseModel], file: Path) -> Iterator[Said]:
    """Yield the values of a TOML file whose tables are the sections.

    Raises:
        SettingsError: The file cannot be read, is no TOML, or has an unknown key.
    """
    origin = Origin("file", file.name)
    try:
        text = file.read_text(encoding="utf-8")
        tree = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            "the settings file cannot be read", where=file, got=error.strerror, expected="a TOML file"
        ) from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise SettingsError("the settings file is no TOML", where=file, got=error) from error
    yield from _walk(tree, "", dict(leaves(model)), origin)


def from_environment(
    model: type[BaseModel], environment: Mapping[str, str], short_names: Mapping[str, str] | None = None
) -> Iterator[Said]:
    """Yield the values of ``GOGOOKU3_SECTION__KEY`` variables, in the order of their names, then of short names.

    Args:
        model: A settings class.
        environment: All variables.
        short_names: Further variables that are read, and the dotted key of each.

    Raises:
        SettingsError: A variable with the prefix names no key, or a short name says something else than the long
            name of its key.
    """
    names = {variable(key): (key, field) for key, field in leaves(model)}
    for name in sorted(environment):
        if not name.upper().startswith(PREFIX):
            continue
        origin = Origin("environment", name)
        if name not in names:
            key = name[len(PREFIX) :].lower().replace("__", ".")
            raise unknown_key(key, origin, dict(leaves(model)), spelt=variable)
        key, field = names[name]
        yield Said(key=key, value=from_text(environment[name], field), origin=origin)
    for name, key in (short_names or {}).items():
        if name in environment:
            yield _from_short_name(name, key, environment, dict(leaves(model)))


def from_flags(model: type[BaseModel], flags: Mapping[str, object]) -> Iterator[Said]:
    """Yield the values of dotted flags; text is read as in the environment.

    Raises:
        SettingsError: A flag names no key.
    """
    fields = dict(leaves(model))
    for key, value in flags.items():
        if key not in fields:
            raise unknown_key(key, Origin("flag"), fields)
        parsed = from_text(value, fields[key]) if isinstance(value, str) else value
        yield Said(key=key, value=parsed, origin=Origin("flag"))


def from_text(text: str, field: FieldInfo) -> object:
    """Read text as JSON, or as it stands where the field takes text or it is no JSON."""
    if takes_text(field):
        return None if text == "null" and takes_null(field) else text
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value


def _from_short_name(
    name: str, key: str, environment: Mapping[str, str], fields: Mapping[str, FieldInfo]
) -> Said:
    origin, long = Origin("environment", name), variable(key)
    if key not in fields:
        raise unknown_key(key, origin, fields)
    value = from_text(environment[name], fields[key])
    if long in environment and from_text(environment[long], fields[key]) != value:
        raise SettingsError(
            "two variables of the environment set one key differently",
            where=key,
            got=f"{name}={environment[name]}, {long}={environment[long]}",
            expected="one of them, or the same value",
        )
    return Said(key=key, value=value, origin=origin)


def _walk(
    table: Mapping[str, object], prefix: str, fields: Mapping[str, FieldInfo], origin: Origin
) -> Iterator[Said]:
    for name, value in table.items():
        key = prefix + name
        is_section = any(known.startswith(f"{key}.") for known in fields)
        if key in fields:
            yield Said(key=key, value=value, origin=origin)
        elif is_section and isinstance(value, dict):
            yield from _walk(value, f"{key}.", fields, origin)
        elif is_section:
            raise SettingsError(
                "a section of the settings is no table",
                where=f"{key} ({origin})",
                got=repr(value),
                expected=f"a table [{key}]",
            )
        else:
            sections = {known.rpartition(".")[0] for known in fields} - {""}
            raise unknown_key(key, origin, sections | set(fields) if isinstance(value, dict) else fields)


def _at(tree: Any, key: str) -> object:
    for name in key.split("."):
        tree = tree[name]
    return tree
