"""How events travel from the process of a trial: lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gogooku3.errors import ModelError
from gogooku3.sweeps.engines.protocol import Event, Failed, Finished, Reported

_KINDS: dict[str, type[Reported] | type[Finished] | type[Failed]] = {
    kind.__name__.lower(): kind for kind in (Reported, Finished, Failed)
}


def as_json(value: object, what: str) -> str:
    """Return plain data as one line of JSON in ASCII.

    Args:
        value: None, truth values, finite numbers, text, and lists and mappings by text of these.
        what: How an error names it.

    Raises:
        ModelError: The value would not come back from JSON as it is.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _not_plain(what, error) from error
    if json.loads(text) != value:
        raise _not_plain(what, "tuples, or keys that are no text")
    return text


def to_line(event: Event) -> bytes:
    """Return an event as a line.

    The line begins with a line break as well, so that one before it of which only a part was written ends there.

    Raises:
        ModelError: It holds what is no plain data.
    """
    kind = type(event).__name__.lower()
    values = {name: _plain(value) for name, value in vars(event).items()}
    return f"\n{as_json({'kind': kind, **values}, f'what a trial {_VERBS[kind]}')}\n".encode("ascii")


def from_line(line: bytes) -> Event | None:
    """Return the event that a line holds, None for a part of a line and for anything else."""
    try:
        values = json.loads(line)
        return _KINDS[values.pop("kind")](**values)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


class Lines:
    """Cuts what arrives in pieces into lines; a last line without its end is never given out."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, piece: bytes) -> list[bytes]:
        """Return the lines that a piece completes, without empty ones."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        return [line for line in whole if line]


_VERBS = {"reported": "reports", "finished": "returns", "failed": "fails with"}


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value


def _not_plain(what: str, got: Any) -> ModelError:
    return ModelError(
        f"{what} is no plain data",
        got=got,
        expected="None, truth values, finite numbers, text, lists, and mappings by text",
        remedy="turn arrays and tuples into lists, and what is no number into None",
    )
