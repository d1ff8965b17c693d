"""What is said of a key that nobody knows and of a value that does not fit."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gogooku3.config.keys import leaves, variable
from gogooku3.config.origin import Origin
from gogooku3.errors import SettingsError


def unknown_key(
    key: str, origin: Origin, known: Iterable[str], *, spelt: Callable[[str], str] = str
) -> SettingsError:
    """Return the error for a key that no settings class has, with those that look like it.

    Args:
        key: The dotted key that was given.
        origin: Who gave it.
        known: Dotted keys that would be accepted there.
        spelt: How that layer spells a dotted key.
    """
    known = sorted(set(known))
    close = difflib.get_close_matches(key, known, n=3, cutoff=0.7)
    last = {name.rpartition(".")[2]: name for name in reversed(known)}
    close += [last[name] for name in difflib.get_close_matches(key.rpartition(".")[2], last, n=3, cutoff=0.7)]
    near = [spelt(name) for name in dict.fromkeys(close)]
    sections = sorted({name.partition(".")[0] for name in known})
    return SettingsError(
        "a settings key is unknown",
        where=origin,
        got=spelt(key),
        expected=f"perhaps {' or '.join(near)}" if near else f"a key of {', '.join(sections)}",
        remedy="correct the key, or remove it",
    )


def wrong_value(
    model: type[BaseModel], error: ValidationError, origins: Mapping[str, Origin]
) -> SettingsError:
    """Return the error that says the first fault in full, and names the keys of the others."""
    first, *others = error.errors(include_url=False)
    key, place = _place(first, origins)
    missing = first["type"] == "missing"
    field = dict(leaves(model)).get(key)
    message = (
        first["msg"].removeprefix("Input should be ").removeprefix("Value error, ").replace("\n  ", "; ")
    )
    meaning = f" ({field.description})" if field is not None and field.description else ""
    remedy = f"set {key} in the file, {variable(key)} or a flag" if missing else None
    if others:
        named = ", ".join(_place(other, origins)[1] for other in others)
        remedy = (f"{remedy}; " if remedy else "") + f"also wrong: {named}"
    return SettingsError(
        "a setting has no value" if missing else "a setting has a wrong value",
        where=place,
        got=repr(first["input"]) if field is not None and not missing else None,
        expected=("a value" if missing else message) + meaning,
        remedy=remedy,
    )


def _place(detail: ErrorDetails, origins: Mapping[str, Origin]) -> tuple[str, str]:
    """Return the dotted key of a fault, and the key with its origin as a reader sees it."""
    names = [str(part) for part in detail["loc"]]
    for depth in range(len(names), 0, -1):
        key = ".".join(names[:depth])
        if key in origins:
            inner = "".join(f"[{part}]" for part in names[depth:] if part.isdigit())
            return key, f"{key}{inner} ({origins[key]})"
    section = ".".join(names)
    given = [
        f"{key} ({origin})"
        for key, origin in origins.items()
        if key.startswith(f"{section}." if section else "") and origin.kind != "default"
    ]
    return section, ": ".join(filter(None, (section, ", ".join(given)))) or "defaults"
